"""What axe-core finds on a page, and how it is told."""

from axe_playwright_python.sync_playwright import Axe

LEVEL_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page, context=None, **options):
    """What axe finds on a page as it stands, or in a context such as ``{"include": [["main"]]}``.

    Options are those of axe, such as ``runOnly``.
    """
    found = Axe().run(page, context=context, options={"resultTypes": ["violations"]} | options)
    return found.response["violations"]


def told(name, violation):
    """A violation in words, one paragraph an element; at most five of them."""
    lines = [f"{name}: {violation['help']} ({violation['id']}, {violation['impact']})"]
    for node in violation["nodes"][:5]:
        fix = " ".join(node.get("failureSummary", "").split())
        lines += [f"  {node['target']}", f"    {node['html'][:200]}", f"    {fix}"]
    lines.append(f"  {len(violation['nodes'])} in all; see {violation['helpUrl']}")
    return "\n".join(lines)


def grave(name, found):
    """What is serious or worse of what was found, in words; empty where nothing is."""
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    return "\n\n".join(told(name, one) for one in serious)
