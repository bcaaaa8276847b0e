// CUDA's blocks and threads on one CPU core: every thread is a fiber with a stack of its own, which runs until
// __syncthreads() or __nanosleep(); the threads of a round run in a random order, so that a missing barrier shows as
// other numbers. Shared memory starts as NaN. The blocks of a cooperative launch are alive together, others in turn.

#include <csetjmp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <type_traits>
#include <ucontext.h>
#include <utility>
#include <vector>

#define __device__
#define __global__
#define __forceinline__
#define __launch_bounds__(...)
#define __restrict__
#define __CUDA_ARCH__ 900
#define threadIdx (emulated::now->thread)
#define blockIdx (emulated::now->block)
#define blockDim (emulated::block_size)
#define gridDim (emulated::grid_size)

namespace emulated {
struct Three {
  unsigned x, y, z;
};
enum State { RUNNING, AT_BARRIER, OVER };
struct Fiber {
  Three thread, block;
  State state;
  unsigned number;
  bool started;
  jmp_buf place;
  ucontext_t first;
};
static Three block_size, grid_size;
static Fiber* now;
static jmp_buf scheduler;
static ucontext_t back;
static std::function<void()> body;
static std::vector<std::vector<char>> stacks;
static std::vector<std::vector<double>> shared;
static int mistakes;

static void begin() {
  body();
  now->state = OVER;
  _longjmp(scheduler, 1);
}

static void pause(State state) {
  now->state = state;
  if (!_setjmp(now->place)) _longjmp(scheduler, 1);
}

static void resume(Fiber& fiber, std::vector<char>& stack) {
  now = &fiber;
  if (_setjmp(scheduler)) return;
  if (fiber.started) _longjmp(fiber.place, 1);
  fiber.started = true;
  stack.resize(64 * 1024);
  getcontext(&fiber.first);
  fiber.first.uc_stack.ss_sp = stack.data();
  fiber.first.uc_stack.ss_size = stack.size();
  fiber.first.uc_link = nullptr;
  makecontext(&fiber.first, begin, 0);
  setcontext(&fiber.first);
}

// blocks `from` to `to`, alive together
static void run(unsigned from, unsigned to, std::mt19937& draw) {
  const unsigned threads = block_size.x * block_size.y * block_size.z, count = (to - from) * threads;
  std::vector<Fiber> fibers(count);
  std::vector<unsigned> order(count), waiting(to - from), over(to - from);
  if (stacks.size() < count) stacks.resize(count);
  for (unsigned k = 0; k < count; ++k) {
    const unsigned b = from + k / threads, t = k % threads;
    Fiber& f = fibers[k];
    f.thread = {t % block_size.x, t / block_size.x % block_size.y, t / block_size.x / block_size.y};
    f.block = {b % grid_size.x, b / grid_size.x % grid_size.y, b / grid_size.x / grid_size.y};
    f.state = RUNNING, f.number = b - from, f.started = false;
    order[k] = k;
  }
  for (unsigned left = count, idle = 0; left;) {
    for (unsigned k = count; k > 1; --k) std::swap(order[k - 1], order[draw() % k]);
    bool moved = false;
    for (unsigned k : order) {
      Fiber& f = fibers[k];
      if (f.state != RUNNING) continue;
      resume(f, stacks[k]);
      if (f.state == RUNNING) continue;
      moved = true;
      if (f.state == OVER) ++over[f.number], --left;
      else ++waiting[f.number];
    }
    for (unsigned b = 0; b < to - from; ++b)
      if (waiting[b] && waiting[b] + over[b] == threads) {
        if (over[b]) mistakes |= 1;  // a barrier that some threads of the block never reach
        for (unsigned t = 0; t < threads; ++t)
          if (fibers[b * threads + t].state == AT_BARRIER) fibers[b * threads + t].state = RUNNING;
        waiting[b] = 0, moved = true;
      }
    idle = moved ? 0 : idle + 1;
    if (idle > 1000) {  // every thread waits for something that nobody does
      mistakes |= 2;
      return;
    }
  }
}

static int launch(const unsigned* sizes, size_t bytes, bool together, unsigned seed) {
  grid_size = {sizes[0], sizes[1], sizes[2]}, block_size = {sizes[3], sizes[4], sizes[5]};
  const unsigned blocks = sizes[0] * sizes[1] * sizes[2];
  std::mt19937 draw(seed);
  mistakes = 0;
  shared.assign(blocks, {});
  for (unsigned b = 0; b < blocks; ++b) {
    if (!b || together) shared[b].assign(bytes / 8 + 1, NAN);
    if (together) continue;
    if (b) shared[b].swap(shared[b - 1]), std::fill(shared[b].begin(), shared[b].end(), NAN);
    run(b, b + 1, draw);
  }
  if (together) run(0, blocks, draw);
  return mistakes;
}

template <typename... A, size_t... I>
void apply(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
  kernel(*static_cast<A*>(arguments[I])...);
}
template <typename A>
const char* kind() {
  using P = std::remove_cv_t<std::remove_pointer_t<A>>;
  const bool pointer = std::is_pointer_v<A>;
  if (std::is_same_v<P, double>) return pointer ? "*d " : "d ";
  if (std::is_same_v<P, float>) return pointer ? "*f " : "f ";
  if (std::is_same_v<P, long long>) return pointer ? "*q " : "q ";
  if (std::is_same_v<P, int>) return pointer ? "*i " : "i ";
  if (std::is_same_v<P, unsigned>) return pointer ? "*I " : "I ";
  return pointer ? "* " : "? ";
}
template <typename... A>
const char* kinds(void (*)(A...)) {
  static char text[4096];
  text[0] = 0;
  (std::strcat(text, kind<A>()), ...);
  return text;
}
template <typename... A>
int start(void (*kernel)(A...), const unsigned* sizes, size_t bytes, int together, unsigned seed, void** arguments) {
  body = [=] { apply(kernel, arguments, std::index_sequence_for<A...>()); };
  return launch(sizes, bytes, together, seed);
}
inline void* own_memory() {
  const Three b = now->block;
  return shared[(b.z * grid_size.y + b.y) * grid_size.x + b.x].data();
}
}  // namespace emulated

static inline void __syncthreads() { emulated::pause(emulated::AT_BARRIER); }
static inline void __nanosleep(unsigned) { emulated::pause(emulated::RUNNING); }
static inline void __threadfence() {}
static inline unsigned atomicAdd(unsigned* a, unsigned b) { return (*a += b) - b; }
template <typename T>
static inline T __ldcg(const T* a) { return *a; }
template <typename T>
static inline T __ldg(const T* a) { return *a; }
