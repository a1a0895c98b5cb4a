"""How tests read a page of the report or the site, apart from the code under test."""

import re

from bs4 import BeautifulSoup

VOID = {"meta", "link", "br", "img", "line", "path", "circle", "input", "hr"}


class Page:
    """Tags, ids, addresses and text of a page whose tags all close."""

    def __init__(self, markup):
        self.soup = BeautifulSoup(markup, "html.parser")
        self.tags = [tag.name for tag in self.soup.find_all()]
        self.ids = [tag["id"] for tag in self.soup.find_all(id=True)]
        self.links = [tag["href"] for tag in self.soup.find_all(href=True)]
        self.sources = [tag["src"] for tag in self.soup.find_all(src=True)]
        self.text = " ".join(self.soup.get_text(" ").split())
        for tag in set(self.tags) - VOID:
            assert len(re.findall(rf"<{tag}[\s>]", markup)) == markup.count(f"</{tag}>"), tag

    def keeps_to_itself(self):
        """Whether nothing is run or loaded, no id stands twice and there is one title."""
        outside = [address for address in self.sources if re.match(r"https?:|//", address)]
        style = "".join(tag.get_text() for tag in self.soup.find_all("style"))
        assert not {"script", "link", "iframe"} & set(self.tags) and not outside
        assert "url(" not in style and "@import" not in style
        assert len(self.ids) == len(set(self.ids)) and self.tags.count("h1") == 1


def page_of(path):
    return Page(path.read_text(encoding="utf-8"))
