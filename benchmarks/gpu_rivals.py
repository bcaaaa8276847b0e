"""What CuPy modules are timed against on a GPU: the same networks in torch, with the same weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def layers(torch: Any, name: str, p: Any, x: Any, t: Any) -> dict[str, Callable[[], Any]]:
    """Runs by name: each learns once and gives its loss, half the squared error summed."""
    runs = {"cuDNN": cudnn(torch, p)} if name == "lstm" else coupled(torch, p)

    def learn(run: Callable[[Any], Any], weights: list[Any]) -> Any:
        for w in weights:
            w.grad = None
        loss = 0.5 * ((run(x) - t) ** 2).sum()
        loss.backward()
        return loss.detach()

    return {rival: (lambda run=run, weights=weights: learn(run, weights)) for rival, (run, weights) in runs.items()}


def tensor(torch: Any, *arrays: Any) -> Any:
    return torch.cat([torch.from_dlpack(a).clone() for a in arrays]).requires_grad_()


def cudnn(torch: Any, p: Any) -> tuple[Callable[[Any], Any], list[Any]]:
    """`nn.LSTM`; torch's order of gates is i, f, g, o, and its second bias stays zero."""
    units, inputs = p["h.i.W_x"].shape
    layer = torch.nn.LSTM(inputs, units).to(torch.from_dlpack(p["h.i.W_x"]).device)
    with torch.no_grad():
        for own, kind in ((layer.weight_ih_l0, "W_x"), (layer.weight_hh_l0, "W_y"), (layer.bias_ih_l0, "b")):
            own.copy_(tensor(torch, *(p[f"h.{gate}.{kind}"] for gate in "ifco")))
        layer.bias_hh_l0.zero_()
    return lambda x: layer(x)[0], list(layer.parameters())


def coupled(torch: Any, p: Any) -> dict[str, tuple[Callable[[Any], Any], list[Any]]]:
    """A loop over the steps, the input's share in one product before it; and with the step compiled."""
    kinds = ("f", "c", "o")
    w, r, b = (tensor(torch, *(p[f"h.{k}.{kind}"] for k in kinds)) for kind in ("W_x", "W_y", "b"))
    peep_f, peep_o = (tensor(torch, p[f"h.{k}.w_c"]) for k in "fo")

    def step(net: Any, y: Any, c: Any) -> tuple[Any, Any]:
        f, g, o = (net + y @ r.T).split(r.shape[1], dim=1)
        f = torch.sigmoid(f + peep_f * c)
        c = f * c + (1 - f) * torch.tanh(g)
        return torch.sigmoid(o + peep_o * c) * torch.tanh(c), c

    def over(one: Callable[..., Any]) -> Callable[[Any], Any]:
        def run(x: Any) -> Any:
            y = c = torch.zeros(x.shape[1], r.shape[1], device=x.device)
            outputs = []
            for net in torch.nn.functional.linear(x, w, b):
                y, c = one(net, y, c)
                outputs.append(y)
            return torch.stack(outputs)

        return run

    weights = [w, r, b, peep_f, peep_o]
    return {"torch loop": (over(step), weights), "compiled": (over(torch.compile(step)), weights)}


def ctc_loss(torch: Any, z: Any, labels: Any, frames: int) -> Callable[[], Any]:
    """torch's loss from logits, and its gradient by them."""
    z = z.clone().requires_grad_()
    batch, many = z.shape[1], len(labels)
    targets = torch.tensor(labels.T.copy(), device=z.device)
    lengths = torch.full((batch,), frames, device=z.device), torch.full((batch,), many, device=z.device)

    def learn() -> Any:
        z.grad = None
        logs = torch.log_softmax(z, 2)
        torch.nn.functional.ctc_loss(logs, targets, *lengths, blank=0, reduction="sum").backward()
        return z.grad

    return learn
