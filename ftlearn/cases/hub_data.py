"""Data sets of the Hugging Face Hub, as the hub track reads them: parquet files, nothing run."""


def read_parquet(repository, path):
    """One parquet file of a data set on the hub; kept in the hub's own cache."""
    import pandas as pd
    from huggingface_hub import hf_hub_download

    found = hf_hub_download(repository, path, repo_type="dataset")
    return pd.read_parquet(found).to_dict("records")


def parts_of(rows_of, name, text, least=1):
    """Parts of a case from rows with a text and a label; every text is its own group.

    A text that repeats counts once, in the first part that has it, beginning with the test part.
    """
    from datasets import Dataset

    parts, seen = {}, set()
    for part in ("test", "validation", "train"):
        items = []
        for number, row in enumerate(rows_of[part]):
            words = " ".join(str(row[text]).split())
            if words.casefold() in seen or (part != "test" and len(words.split()) < least):
                continue
            seen.add(words.casefold())
            item_id = f"{name}/{part}/{number}"
            label = int(row["label"])
            items.append({"item_id": item_id, "input": words, "label": label, "group": item_id})
        parts[part] = Dataset.from_list(items)
    return {part: parts[part] for part in ("train", "validation", "test")}
