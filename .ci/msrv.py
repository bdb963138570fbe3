"""Reads `cargo metadata` and fails if a package declares a newer Rust than the first member does."""

import json
import sys

metadata = json.load(sys.stdin)
version = lambda text: tuple(int(part) for part in text.split(".")[:2])
packages = {package["id"]: package for package in metadata["packages"]}
own = packages[metadata["workspace_members"][0]]
newer = [
    f"{package['name']} {package['version']} needs {package['rust_version']}"
    for package in packages.values()
    if package["rust_version"] and version(package["rust_version"]) > version(own["rust_version"])
]
print(f"{len(packages)} packages, Rust {own['rust_version']}")
sys.exit("\n".join(newer) or 0)
