"""The tables of ``report/HOWTO.md``, made from the registry: ``make tables``."""

import re

from gtzan_lib import registry, store

HOWTO = store.PROJECT / "report" / "HOWTO.md"


def tables() -> dict[str, str]:
    """Return the table of every kind of name, as Markdown."""

    def listed(names) -> str:
        return ", ".join(f"`{name}`" for name in names)

    rows = {
        "encoder": [("encoder", "what a model is given")],
        "model": [("model", "what it is", "takes `encoder`", "trained by `recipe`")],
        "recipe": [("recipe", "how it is trained")],
        "split": [("split", "which pictures train and which test")],
    }
    rows["encoder"] += [(n, e.help) for n, e in registry.ENCODERS.items()]
    for name, model in registry.MODELS.items():
        taken = [e for e in registry.ENCODERS if registry.fits(name, e)]
        rows["model"].append((name, model.help, listed(taken), listed(model.recipes)))
    rows["recipe"] += [(n, recipe.help) for n, recipe in registry.RECIPES.items()]
    rows["split"] += registry.SPLITS.items()
    made = {}
    for kind, (head, *body) in rows.items():
        lines = [" | ".join((f"`{name}`", *cells)) for name, *cells in (head, *body)]
        lines.insert(1, " | ".join("---" for _ in head))
        made[kind] = "".join(f"| {line} |\n" for line in lines)
    return made


def filled(text: str) -> str:
    """Return a text with each table in its place, between marks of its kind."""
    for kind, table in tables().items():
        place = rf"(<!-- {kind} -->\n).*?(<!-- /{kind} -->)"
        text = re.sub(place, rf"\g<1>{table}\g<2>", text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    HOWTO.write_text(filled(HOWTO.read_text("utf-8")), "utf-8")
