"""Data sets of the Hugging Face Hub, as the hub track reads them: parquet files, nothing run."""


def read_parquet(repository, path):
    """One parquet file of a data set on the hub; kept in the hub's own cache.

    Parameters
    ----------
    repository : str
        Such as ``"stanfordnlp/sst2"``.
    path : str
        The file in it.

    Returns
    -------
    list of dict
        Its rows.

    Raises
    ------
    ImportError
        When huggingface_hub is not installed.
    """
    import pandas as pd
    from huggingface_hub import hf_hub_download

    found = hf_hub_download(repository, path, repo_type="dataset")
    return pd.read_parquet(found).to_dict("records")


def parts_of(rows_of, name, text, least=1):
    """Parts of a case from rows with a text and a label; every text is its own group.

    A text that repeats counts once, in the first part that has it, beginning with the test part.

    Parameters
    ----------
    rows_of : dict of str to list of dict
        By part; with ``label``.
    name : str
        For the items' ids.
    text : str
        Column of the text.
    least : int
        Words that a training or validation text must have.

    Returns
    -------
    dict of str to datasets.Dataset
        ``train``, ``validation``, ``test``.
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
