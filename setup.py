"""Packs the grammar and the library of specs, which stand beside the package in a checkout, into the wheel as
its data.
"""

from setuptools import find_namespace_packages, setup

setup(
    packages=[*find_namespace_packages(include=["rnnc", "rnnc.*"]), "rnnc._data.grammar", "rnnc._data.specs"],
    package_dir={"rnnc._data.grammar": "grammar", "rnnc._data.specs": "specs"},
    package_data={
        "rnnc": ["py.typed"],
        "rnnc.frontend": ["tables.json"],
        "rnnc._data.grammar": ["*.lark"],
        "rnnc._data.specs": ["*.rnn"],
    },
)
