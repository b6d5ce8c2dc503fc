#!/usr/bin/env python3
"""Makes schemas.json from the providers' prebuilt bindings in npm (`@cdktf/provider-…`, MPL-2.0).

usage: schemas.py FOLDER

FOLDER holds the unpacked packages: `npm pack @cdktf/provider-aws@21.22.1`, and the same for those in PACKAGES, each
unpacked into FOLDER/aws, FOLDER/helm, FOLDER/random. The result has the form of `tofu providers schema -json`, so that
what the real provider says can be put in its place, and holds only what the `*.tf` files beside it name.

What the bindings know: names, types, what is required, nesting. What they don't: allowed values, rules between
arguments, deprecations. Everything that is optional is taken for computed as well.
"""

import json
import re
import sys
from pathlib import Path

# The provider's name, its package's version, and the version of the provider that this is made from.
PACKAGES = {
    "aws": "21.22.1 (aws 6.25.0)",
    "helm": "12.1.2 (helm 3.1)",
    "random": "12.0.1 (random 3.7)",
}
HERE = Path(__file__).resolve().parent

ENTRY = re.compile(
    r"^ +(\w+): \{\n +value: (.*),\n +isBlock: (\w+),\n +type: \"(\w+)\",\n +storageClassType: \"(\w+)\",\n", re.M
)
SIMPLE = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}
GETTERS = {"String": "string", "Number": "number", "Boolean": "bool", "Any": "dynamic"}
GETTERS |= {f"{name}Map": ["map", kind] for name, kind in list(GETTERS.items())}
GETTER = re.compile(r"get (\w+)\(\) \{\n +return (.*)\n")
COMPLEX = re.compile(r"this\._\w+ = new (\w+)\(this, \"(\w+)\"(?:, (true|false))?\)")


def attribute_type(kind, storage):
    """Of an argument that is no block: `set` of `stringList` is a set of strings."""
    for suffix in ("List", "Map"):
        if storage.endswith(suffix) and kind in ("list", "set", "map"):
            inner = storage.removesuffix(suffix)
            if inner.endswith("List"):
                return [kind, ["list", SIMPLE[inner.removesuffix("List")]]]
            return [kind, SIMPLE[inner]]
    return SIMPLE[storage]


class Binding:
    """One folder of a package: a resource, a data source or the provider itself."""

    def __init__(self, folder, nested_attributes):
        self.code = (folder / "index.js").read_text()
        self.types = (folder / "index.d.ts").read_text()
        self.nested_attributes = nested_attributes
        self.resource = re.search(r"tfResourceType = \"(\w+)\"", self.code)

    def interface(self, name):
        """Whether each argument is required, by its name in HCL."""
        body = re.search(rf"export interface {name}\b[^{{]*\{{\n(.*?)^\}}", self.types, re.S | re.M)
        if not body:
            return {}
        found = re.findall(r"#(\w+) [\w.]+#\w+\}\s*(?:\*(?!/)[^\n]*\s*)*\*/\s*readonly \w+(\??):", body[1])
        return {argument: optional == "" for argument, optional in found}

    def class_body(self, name):
        body = re.search(rf"^class {name} extends .*?\{{\n(.*?)^\}}", self.code, re.S | re.M)
        return body[1] if body else ""

    def block(self, arguments, required, body):
        result = {"attributes": {}, "block_types": {}}
        for name, value, is_block, kind, storage in arguments:
            self.argument(result, name, value, is_block == "true", kind, storage, required.get(name, False))
        self.computed(result, body)
        return {key: content for key, content in result.items() if content}

    def argument(self, result, name, value, is_block, kind, storage, required):
        if not is_block:
            marks = {"required": True} if required else {"optional": True, "computed": True}
            result["attributes"][name] = {"type": attribute_type(kind, storage)} | marks
            return
        function = re.search(r"(?<!cdktf\.)\b(\w+)ToHclTerraform", value)[1]
        text = re.search(rf"^function {function}ToHclTerraform\(struct\) \{{\n(.*?)^\}}", self.code, re.S | re.M)[1]
        structure = function[0].upper() + function[1:]
        block = self.block(ENTRY.findall(text), self.interface(structure), self.class_body(f"{structure}OutputReference"))
        mode = "single" if kind == "struct" else kind
        if self.nested_attributes:
            nested = {"nesting_mode": mode, "attributes": block["attributes"]}
            marks = {"required": True} if required else {"optional": True}
            result["attributes"][name] = {"nested_type": nested} | marks
            return
        result["block_types"][name] = {"nesting_mode": mode, "block": block}
        if mode != "single":
            counts = {} if "listMapper" in value else {"max_items": 1}
            result["block_types"][name] |= counts | ({"min_items": 1} if required else {})

    def computed(self, result, body):
        taken = result["attributes"].keys() | result["block_types"].keys()
        for name, kind in self.outputs(body).items():
            if name not in taken:
                result["attributes"][name] = {"type": kind, "computed": True}

    def outputs(self, body):
        found = {}
        for _, what in GETTER.findall(body):
            if lists := re.search(r"getListAttribute\('(\w+)'\)", what):
                found[lists[1]] = ["set" if "Fn.tolist" in what else "list", "string"]
            elif lists := re.search(r"getNumberListAttribute\('(\w+)'\)", what):
                found[lists[1]] = ["set" if "Fn.tolist" in what else "list", "number"]
            elif plain := re.search(r"this\.get(\w+)Attribute\('(\w+)'\)", what):
                found[plain[2]] = GETTERS[plain[1]]
        for kind, name, as_set in COMPLEX.findall(body):
            if kind.endswith("List"):
                structure = kind.removesuffix("List")
                inner = self.outputs(self.class_body(f"{structure}OutputReference"))
                found[name] = ["set" if as_set == "true" else "list", ["object", inner]]
            elif kind in ("StringMap", "cdktf.StringMap"):
                found[name] = ["map", "string"]
            elif kind.endswith("OutputReference"):
                found[name] = ["object", self.outputs(self.class_body(kind))]
        return found

    def schema(self):
        root = re.search(r"^class (\w+) extends cdktf\.Terraform(?:Resource|DataSource|Provider) \{\n(.*?)^\}",
                         self.code, re.S | re.M)
        arguments = re.search(r"    synthesizeHclAttributes\(\) \{\n(.*?)^    \}", root[2], re.S | re.M)
        names = [f"{root[1]}Config"]
        block = self.block(ENTRY.findall(arguments[1]), self.interface(names[0]), root[2])
        return {"version": 0, "block": block}


def named():
    """The kinds that the configurations speak of: ("resource", "aws_vpc")."""
    found = set()
    for file in sorted(HERE.parent.rglob("*.tf")):
        found |= set(re.findall(r"^(resource|data) \"(\w+)\"", file.read_text(), re.M))
    return found


def main():
    packages = Path(sys.argv[1])
    wanted = named()
    lines = []
    for provider in PACKAGES:
        library = packages / provider / "package" / "lib"
        # From version 3 on helm's blocks are nested attributes: `set = [{…}]`.
        nested = provider == "helm"
        lines.append(("provider", provider, Binding(library / "provider", nested).schema()))
        for folder in sorted(library.iterdir()):
            if not (folder / "index.js").exists() or folder.name == "provider":
                continue
            binding = Binding(folder, nested)
            kind = "data" if folder.name.startswith(f"data-{provider}-") else "resource"
            if binding.resource and (kind, binding.resource[1]) in wanted:
                lines.append((kind, binding.resource[1], binding.schema()))
                wanted.discard((kind, binding.resource[1]))
    wanted = {name for _, name in wanted if name != "terraform_data"}
    if wanted:
        sys.exit(f"no package has {', '.join(sorted(wanted))}")
    write(lines)


def write(lines):
    """One kind on each line, so that a difference can be read."""
    texts = [json.dumps(line, separators=(",", ":"), sort_keys=True) for line in lines]
    (HERE / "schemas.json").write_text("[\n" + ",\n".join(texts) + "\n]\n")
    print(f"{len(texts)} schemas")


if __name__ == "__main__":
    main()
