"""Multilingual encoders: the 4-bit file is read as its engine reads it, trimming changes nothing.

The reference is the C engine in the package that brings the weights. It rounds activations to 8
bits, so it agrees with 32-bit floats to a cosine of about 0.9999. Where there is no compiler,
`data/e5_reference.npz` says what it found.
"""

import ctypes
import json
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest
from toy_cases import SPECIAL, python, save_tiny_encoder, toy_pair_case, toy_pairs

from ftlearn import assets, load_generalist
from ftlearn.models import multilingual

TABLE = Path(__file__).parent / "data" / "e5_reference.npz"
TEXTS = {
    "de": ["Adresse", "Speichern und neuen Eintrag hinzufügen", "Themen, Referenz, & mehr"],
    "hsb": ["… dyrbi za … jónkróćne być.", "Jakutski standardny čas", "hornjoserbšćina"],
    "dsb": ["dolnoserbšćina", "… dej za … jadnorazowe byś."],
    "cs": ["Uložit a přidat další položku"],
    "pl": ["Zażółć gęślą jaźń"],
    "fr": ["Enregistrer et ajouter un autre élément"],
    "ru": ["Сохранить и добавить другой объект"],
    "el": ["Αποθήκευση και προσθήκη"],
    "zh": ["保存并增加另一个", "北京是中国的首都。"],
    "ja": ["保存してもう一つ追加"],
    "ko": ["저장 및 다른 이름으로 추가"],
    "ar": ["احفظ وأضف آخر"],
    "he": ["שמור והוסף אחר"],
    "hi": ["सहेजें और एक अन्य जोड़ें"],
    "th": ["บันทึกและเพิ่มอีก"],
    "signs": ["👍🏽 großartig 😀😀", "double  spaces   inside", "ﬁne ½ ①  ™ …"],
    "short": ["MiXeD 123,456.78 €", "x"],
}
ALL = [text for texts in TEXTS.values() for text in texts]
ALIKE = 0.9995  # cosine; the engine rounds activations to 8 bits


# --- the format -------------------------------------------------------------------------------

HIDDEN, LAYERS, HEADS, INNER, PIECES, PLACES = 32, 2, 2, 64, 116, 16
EPS = 1e-5
# What the engine calls the parts of a layer, and what transformers calls them.
LAYER_PARTS = {"q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value"}
LAYER_PARTS |= {"ao": "attention.output.dense", "aln": "attention.output.LayerNorm"}
LAYER_PARTS |= {"fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm"}
LAYER = {f"{old}.w": f"{new}.weight" for old, new in LAYER_PARTS.items()}
LAYER |= {f"{old}.b": f"{new}.bias" for old, new in LAYER_PARTS.items()}


def slow_weights(packed):
    """Weights of 4-bit blocks one after the other, as the engine's comments have it."""
    weights = []
    for at in range(0, len(packed), 18):
        (scale,) = struct.unpack_from("<e", packed, at)
        halves = packed[at + 2 : at + 18]
        weights += [((byte & 0x0F) - 8) * scale for byte in halves]
        weights += [((byte >> 4) - 8) * scale for byte in halves]
    return np.array(weights, dtype=np.float32)


def made_up_tensors():
    """Names, shapes and bytes of a tiny network: {name: (kind, shape, bytes)}."""
    rng = np.random.default_rng(5)
    tensors = {}

    def quantized(name, rows, columns):
        scales = rng.normal(0, 0.02, rows * columns // 32)
        scales[1] = 0.0
        content = b"".join(struct.pack("<e", scale) + rng.bytes(16) for scale in scales)
        tensors[name] = (1, (rows, columns), content)

    def floats(name, *shape):
        centre = 1.0 if name.endswith("ln.w") else 0.0
        tensors[name] = (0, shape, rng.normal(centre, 0.1, shape).astype("<f4").tobytes())

    quantized("emb.word", PIECES, HIDDEN)
    floats("emb.pos", PLACES, HIDDEN)
    floats("emb.type", 1, HIDDEN)
    floats("emb.ln.w", HIDDEN)
    floats("emb.ln.b", HIDDEN)
    for layer in range(LAYERS):
        for name in LAYER:
            kind, letter = name.split(".")
            out = INNER if kind == "fi" else HIDDEN
            if letter == "w" and not kind.endswith("ln"):
                quantized(f"l{layer}.{name}", out, INNER if kind == "fo" else HIDDEN)
            else:
                floats(f"l{layer}.{name}", out)
    return tensors


def write_e5(path, magic=b"E5S1", version=1, block=32):
    """A file as the engine's loader reads it; its tensors as float32 by name."""
    tensors = made_up_tensors()
    pieces = [b"<s>", b"<pad>", b"</s>", b"<unk>", "\u2581ż".encode()]
    offsets = np.cumsum([0, *map(len, pieces)]).astype("<u4").tobytes()
    head = magic + struct.pack("<I", version)
    head += struct.pack("<7i", HIDDEN, LAYERS, HEADS, INNER, PIECES, PLACES, 1)
    head += struct.pack("<fi", EPS, block)
    head += struct.pack("<5i", len(pieces), 0, 2, 1, 3)
    head += struct.pack("<Q", sum(map(len, pieces))) + offsets
    head += np.arange(5, dtype="<f4").tobytes() + b"".join(pieces)
    normalised = struct.pack("<IBI", 0xBD, 1, 0x31) + struct.pack("<IB", 0x7F, 0)
    head += struct.pack("<iI", 2, len(normalised)) + normalised
    head += struct.pack("<i", len(tensors))
    at = len(head) + sum(2 + len(name) + 1 + 4 + 8 + 8 for name in tensors)
    for name, (kind, shape, content) in tensors.items():
        head += struct.pack("<H", len(name)) + name.encode()
        head += struct.pack("<BIQQ", kind, int(np.prod(shape)), at, len(content))
        at += len(content)
    path.write_bytes(head + b"".join(content for _, _, content in tensors.values()))
    return {
        name: (slow_weights(content) if kind else np.frombuffer(content, "<f4")).reshape(shape)
        for name, (kind, shape, content) in tensors.items()
    }


def test_the_head_of_a_file_is_read_and_every_tensor_found_in_whole_and_in_part(tmp_path):
    expected = write_e5(tmp_path / "tiny.bin")
    file = multilingual.read_q4(tmp_path / "tiny.bin")
    sizes = (file.hidden, file.layers, file.heads, file.intermediate, file.vocabulary)
    assert sizes == (HIDDEN, LAYERS, HEADS, INNER, PIECES)
    assert (file.positions, file.token_types, file.pieces) == (PLACES, 1, 5)
    assert file.eps == pytest.approx(EPS)
    assert list(file.directory) == list(expected)
    for name, values in expected.items():
        rows = len(values) if values.ndim == 2 else 1
        assert np.array_equal(file.tensor(name, rows), values.reshape(values.shape[-2:]).squeeze())
    for name, rows in (("emb.word", PIECES), ("emb.pos", PLACES)):
        found = file.tensor(name, rows, first=3, most=10)
        assert found.dtype == np.float32 and np.array_equal(found, expected[name][3:13])
        assert np.array_equal(file.tensor(name, rows, first=rows - 2, most=10), expected[name][-2:])


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"magic": b"GGUF"}, r"tiny.bin begins with b'GGUF', version 1; expected b'E5S1', 1"),
        ({"version": 2}, r"begins with b'E5S1', version 2"),
        ({"block": 64}, r"tiny.bin has blocks of 64 weights; expected 32"),
    ],
)
def test_another_format_is_refused_and_named(tmp_path, changes, message):
    write_e5(tmp_path / "tiny.bin", **changes)
    with pytest.raises(ValueError, match=message):
        multilingual.read_q4(tmp_path / "tiny.bin")


@pytest.mark.parametrize("rows", [10_000, 50], ids=["at once", "rows left over"])
def test_a_converted_file_is_a_bert_with_every_weight_in_its_place(
    rows, tmp_path, tiny_encoder_folder, monkeypatch
):
    from safetensors.numpy import load_file
    from transformers import BertModel

    monkeypatch.setattr(multilingual, "_ROWS_AT_ONCE", rows)  # of 116
    folder, tensors = tmp_path / "converted", write_e5(tmp_path / "tiny.bin")
    folder.mkdir()
    tokenizer = tiny_encoder_folder / "tokenizer.json"
    multilingual.convert(tmp_path / "tiny.bin", tokenizer, folder)
    found = load_file(folder / "model.safetensors")
    kinds = {"word": "word", "pos": "position", "type": "token_type"}
    names = {f"emb.{old}": f"embeddings.{new}_embeddings.weight" for old, new in kinds.items()}
    names |= {"emb.ln.w": "embeddings.LayerNorm.weight", "emb.ln.b": "embeddings.LayerNorm.bias"}
    for layer in range(LAYERS):
        names |= {f"l{layer}.{old}": f"encoder.layer.{layer}.{new}" for old, new in LAYER.items()}
    pooler = {"pooler.dense.weight", "pooler.dense.bias"}  # of zeros: the file has none
    assert {*names.values(), *pooler} == set(found)
    assert not any(found[name].any() for name in pooler)
    for old, new in names.items():
        assert np.array_equal(found[new], tensors[old]), old
    model, told = BertModel.from_pretrained(folder, output_loading_info=True)
    assert not told["missing_keys"] and not told["unexpected_keys"] and not told["mismatched_keys"]
    about = model.config
    assert (about.num_attention_heads, about.hidden_act, about.pad_token_id) == (HEADS, "gelu", 1)
    assert about.layer_norm_eps == pytest.approx(EPS)


# --- the real file ----------------------------------------------------------------------------

CONVERT = """
import sys
from pathlib import Path
from ftlearn import assets, torch_setup
from ftlearn.models import multilingual

binary = assets.locate("multilingual-e5-small-q4") / "e5-small-q4.bin"
tokenizer = assets.locate("xlm-roberta-tokenizer") / "tokenizer.json"
multilingual.convert(binary, tokenizer, Path(sys.argv[1]))
print(torch_setup.peak_memory_mb())
"""


@pytest.fixture(scope="module")
def converted():
    """The real model, converted anew by another process: (folder, its peak memory in MB)."""
    for name in ("multilingual-e5-small-q4", "xlm-roberta-tokenizer"):
        assets.locate(name)
    with tempfile.TemporaryDirectory() as folder:  # 470 MB that pytest would keep
        made = Path(folder) / "e5"
        made.mkdir()
        done = python(CONVERT, made)
        yield made, float(done.stdout.split()[-1])


@pytest.fixture(scope="module")
def whole(converted):
    """The real model with all of its vocabulary."""
    return multilingual.load_model(converted[0], 512)


@pytest.fixture(scope="module")
def embedded(whole):
    """Embeddings of all texts, with the prompt that the engine puts before a query."""
    return multilingual.encoded(whole, [f"query: {text}" for text in ALL])


def cosines(first, second):
    first, second = (np.asarray(rows, dtype=np.float64) for rows in (first, second))
    return (first * second).sum(axis=1) / np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """The package's own C engine, compiled: a function from a text to its embedding."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("no C compiler here; the table of the engine's embeddings is compared instead")
    source = assets.locate("multilingual-e5-small-q4")
    library = tmp_path_factory.mktemp("engine") / "e5.so"
    about = Path("/proc/cpuinfo")
    can = set(about.read_text().split()) if about.exists() else set()
    fast = ["-mavx2", "-mfma"] if {"avx2", "fma"} <= can else []
    command = [compiler, "-O2", "-shared", "-fPIC", *fast, "-o", library, source / "e5.c", "-lm"]
    subprocess.run(command, check=True, capture_output=True)
    code = ctypes.CDLL(str(library))
    code.e5_load.restype = ctypes.c_void_p
    code.e5_load.argtypes = [ctypes.c_char_p]
    floats = ctypes.POINTER(ctypes.c_float)
    code.e5_embed.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, floats]
    code.e5_free.argtypes = [ctypes.c_void_p]
    model = code.e5_load(str(source / "e5-small-q4.bin").encode())
    assert model

    def embed(text):
        row = np.zeros(384, dtype=np.float32)
        assert code.e5_embed(model, text.encode(), 1, row.ctypes.data_as(floats)) == 0
        return row

    yield embed
    code.e5_free(model)


@pytest.mark.model
def test_embeddings_agree_with_the_engine_of_the_package(engine, embedded):
    found = np.stack([engine(text) for text in ALL])
    assert cosines(found, embedded).min() >= ALIKE
    # Texts are not all alike to begin with: another text's embedding is nowhere near so close.
    others = embedded @ found.T - 2 * np.eye(len(ALL))
    assert others.max() < 0.99
    # The table below was written by np.savez_compressed(TABLE, embeddings=found.astype("f2")).
    assert cosines(found, np.load(TABLE)["embeddings"]).min() >= 0.9998


@pytest.mark.model
def test_embeddings_agree_with_those_that_the_engine_once_gave(embedded):
    table = np.load(TABLE, allow_pickle=False)["embeddings"]
    assert table.shape == (len(ALL), 384) and TABLE.stat().st_size < 100_000
    assert cosines(table, embedded).min() >= ALIKE


@pytest.mark.model
def test_a_small_machine_converts_the_real_model_and_trimmed_it_embeds_as_before(
    converted, whole, embedded
):
    assert 100 < converted[1] <= 1200
    folder = multilingual.trimmed_folder(converted[0], ALL, ("", "query: "))
    trimmed = multilingual.load_model(folder, 512)
    found = multilingual.encoded(trimmed, [f"query: {text}" for text in ALL])
    assert np.abs(found - embedded).max() <= 1e-6
    plain = [whole.tokenizer.tokenize(text) for text in ALL]
    assert [trimmed.tokenizer.tokenize(text) for text in ALL] == plain
    assert 10_000 < len(trimmed.tokenizer) < 30_000 < len(whole.tokenizer)
    assert (folder / "model.safetensors").stat().st_size < 130e6
    for unseen in ("Übernachtungsmöglichkeiten", "Благодарю вас", "謝謝"):
        pieces = trimmed.tokenizer(unseen)["input_ids"]
        assert trimmed.tokenizer.decode(pieces, skip_special_tokens=True) == unseen


# --- trimming a tiny model --------------------------------------------------------------------

CORPUS = ["dom reka", "tuva elim", "les, hora", "osku: yaro.", "kniha", "a b"]
PROMPTS = ("", "query: ")
KINDS = ("Unigram", "WordPiece")


@pytest.fixture(scope="module", params=KINDS)
def trimmed(request, tmp_path_factory):
    """The kind of a tokenizer, and a tiny encoder before and after: their folders, their models."""
    source = tmp_path_factory.mktemp("whole") / "tiny"
    save_tiny_encoder(source, request.param, as_on_hub=request.param == "WordPiece")
    folders = [source, multilingual.trimmed_folder(source, CORPUS, PROMPTS)]
    return request.param, folders, [multilingual.load_model(folder, 24) for folder in folders]


def test_texts_of_the_corpus_keep_their_tokens_and_embeddings(trimmed):
    _, (source, folder), (before, after) = trimmed
    assert len(after.tokenizer) < 0.75 * len(before.tokenizer)
    names = {path.name for path in source.iterdir()}
    assert {path.name for path in folder.iterdir()} == names - {"vocab.txt"}
    texts = [prompt + text for text in CORPUS for prompt in PROMPTS]
    assert len(set(map(tuple, map(before.tokenizer.tokenize, texts)))) == len(texts)
    for text in texts:
        assert after.tokenizer.tokenize(text) == before.tokenizer.tokenize(text)
    old, new = (multilingual.encoded(model, texts) for model in (before, after))
    assert np.array_equal(old, new) and len(np.unique(old.round(4), axis=0)) == len(texts)


def test_other_texts_can_still_be_spelled_in_more_pieces(trimmed):
    before, after = (model.tokenizer for model in trimmed[2])
    for text in ("skala", "miuk", "xyz", "most vlk"):
        pieces = after(text)["input_ids"]
        assert after.unk_token_id not in pieces
        assert after.decode(pieces, skip_special_tokens=True) == text
        assert len(pieces) >= len(before(text)["input_ids"])
    assert len(after("skala")["input_ids"]) > len(before("skala")["input_ids"])
    # What the whole vocabulary cannot spell is unknown before and after, in the same places.
    for text in ("dom ж dom", "жж", "reka 7 😀"):
        assert after.tokenize(text) == before.tokenize(text)
        assert after.unk_token_id in after(text)["input_ids"]


def test_special_pieces_are_what_they_were(trimmed):
    from safetensors import safe_open

    kind, folders, models = trimmed
    rows = []
    for folder, model in zip(folders, models, strict=True):
        tokenizer, config = model.tokenizer, model[0].auto_model.config
        numbers = tokenizer.convert_tokens_to_ids(list(SPECIAL[kind]))
        begin, pad, end, unknown, _ = numbers
        assert len(set(numbers)) == 5 and None not in numbers
        assert tokenizer.pad_token_id == config.pad_token_id == pad
        assert tokenizer.unk_token_id == unknown
        batch = tokenizer(["dom", "dom reka les"], padding=True)["input_ids"]
        assert batch[0][0] == batch[1][0] == begin and batch[1][-1] == batch[0][2] == end
        assert batch[0][3:] == [pad] * (len(batch[1]) - 3)
        with safe_open(folder / "model.safetensors", "np") as file:
            (name,) = (key for key in file.keys() if key.endswith("word_embeddings.weight"))
            table = file.get_tensor(name)
        assert config.vocab_size == len(table) == len(tokenizer)
        rows.append(table[numbers])
    assert np.array_equal(*rows)


def test_what_was_trimmed_once_is_taken_from_the_cache(trimmed, monkeypatch):
    source, first = trimmed[1]
    less = multilingual.trimmed_folder(source, CORPUS[1:], PROMPTS)
    assert len({first, less, multilingual.trimmed_folder(source, CORPUS)}) == 3
    monkeypatch.setattr(multilingual, "_trim", None)
    assert multilingual.trimmed_folder(source, CORPUS[::-1] + CORPUS, PROMPTS) == first


@pytest.mark.parametrize("kind", KINDS)
def test_trimming_that_would_change_a_text_is_refused_and_leaves_nothing(
    kind, tmp_path, monkeypatch
):
    source = save_tiny_encoder(tmp_path / "tiny", kind, as_on_hub=kind == "WordPiece")
    real = multilingual._trimmed_tokenizer
    vocabulary = multilingual._vocabulary(json.loads((source / "tokenizer.json").read_text()))
    lost = vocabulary.get("▁kniha", vocabulary.get("kniha"))

    def careless(content, number):
        kept = [old for old in number if old != lost]
        return real(content, {old: new for new, old in enumerate(kept)})

    monkeypatch.setattr(multilingual, "_trimmed_tokenizer", careless)
    with pytest.raises(RuntimeError, match="trimming would change how '.*' is cut: .* became"):
        multilingual.trimmed_folder(source, CORPUS)
    assert list(tmp_path.iterdir()) == [source]


def test_special_numbers_that_trimming_does_not_know_of_are_refused(tmp_path):
    """Some tokenizers keep the numbers of their marks in yet another place; tokens look right."""
    source = save_tiny_encoder(tmp_path / "tiny", "WordPiece")
    content = json.loads((source / "tokenizer.json").read_text())
    vocabulary = content["model"]["vocab"]
    vocabulary["[END]"] = len(vocabulary)  # behind pieces that are taken away
    cls, sep = ([token, vocabulary[token]] for token in ("[CLS]", "[END]"))
    content["post_processor"] = {"type": "BertProcessing", "cls": cls, "sep": sep}
    (source / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(RuntimeError, match="trimming would change"):
        multilingual.trimmed_folder(source, CORPUS)


def test_another_kind_of_tokenizer_is_refused(tmp_path, tiny_encoder_folder):
    from tokenizers import Tokenizer, models

    source = tmp_path / "bpe"
    shutil.copytree(tiny_encoder_folder, source)
    letters = {letter: number for number, letter in enumerate("abcdehiklmnorstu ,:.yv")}
    Tokenizer(models.BPE(letters, [])).save(str(source / "tokenizer.json"))
    with pytest.raises(ValueError, match="is a BPE; Unigram and WordPiece can be trimmed"):
        multilingual.trimmed_folder(source, ["dom"])


# --- the generalist ---------------------------------------------------------------------------


def embed_by_hand(folder, text):
    """One text through the network alone, and the mean over its tokens."""
    import torch
    from tokenizers import Tokenizer
    from transformers import BertModel

    numbers = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids
    with torch.no_grad():
        found = BertModel.from_pretrained(folder).eval()(input_ids=torch.tensor([numbers]))
    mean = found.last_hidden_state[0].double().numpy().mean(axis=0)
    return mean / np.linalg.norm(mean)


def test_an_embedding_is_the_mean_over_tokens_with_the_prompt_once_and_of_length_one(
    tiny_encoder_folder,
):
    model = multilingual.load_model(tiny_encoder_folder, 24)
    texts = ["tuva", "dom reka les hora most", "dom", "les hora"]
    plain = multilingual.SentenceEncoder("tiny", model)
    for encoder in (plain, plain.with_prompt("query: ")):
        found = encoder.embed(texts)
        prompted = [encoder.prompt + text for text in texts]
        expected = [embed_by_hand(tiny_encoder_folder, text) for text in prompted]
        assert found.dtype == np.float32 and np.abs(found - expected).max() <= 1e-5
        assert np.array_equal(encoder.embed(texts, side="candidate"), found)
        empty = encoder.embed([])
        assert empty.shape == (0, 32) and empty.dtype == np.float32
    # One that is saved with a model is not put before a text as well.
    model.prompts, model.default_prompt_name = {"text": "query: "}, "text"
    assert np.array_equal(multilingual.encoded(model, prompted), found)


def test_a_text_longer_than_a_case_allows_is_cut(tiny_encoder_folder):
    model = multilingual.load_model(tiny_encoder_folder, 6)  # two of them are the marks
    cut, kept, less = multilingual.encoded(model, ["dom " * 9, "dom " * 4, "dom " * 3])
    assert np.abs(cut - kept).max() <= 1e-6 < np.abs(cut - less).max()
    assert not model.training


def test_the_generalist_of_a_case_has_its_prompt_and_every_text_of_the_case(tiny_encoder):
    shifted = toy_pairs("elsewhere", 6, seed=3)
    case = toy_pair_case(sizes=(8, 6, 6), shifts={"elsewhere": shifted})
    texts = multilingual.texts_of(case)
    expected = set(shifted["input"]) | set(shifted["translation"])
    for part in ("train", "validation", "test"):
        expected |= set(case.part(part)["input"]) | set(case.part(part)["translation"])
    assert texts == sorted(expected)
    generalist = load_generalist(case)
    assert (generalist.name, generalist.prompt) == (case.generalist, "query: ")
    whole = multilingual.load_model(tiny_encoder, case.max_tokens)
    assert len(generalist.tokenizer) < len(whole.tokenizer)
    for encoder in (generalist, generalist.with_prompt("")):
        expected = multilingual.encoded(whole, [encoder.prompt + text for text in texts])
        assert np.array_equal(encoder.embed(texts), expected)


def test_the_starter_model_is_converted_once_into_the_cache(
    tmp_path, cache, tiny_encoder_folder, monkeypatch
):
    for name in ("weights", "pieces"):
        (tmp_path / name).mkdir()
    write_e5(tmp_path / "weights" / "tiny.bin")
    shutil.copy(tiny_encoder_folder / "tokenizer.json", tmp_path / "pieces")
    places = {"multilingual-e5-small-q4": "weights", "xlm-roberta-tokenizer": "pieces"}
    monkeypatch.setattr(assets, "locate", lambda name: tmp_path / places[name])
    real = multilingual.convert

    def cut_short(*arguments):
        real(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(multilingual, "convert", cut_short)
    with pytest.raises(KeyboardInterrupt):
        multilingual.model_folder("multilingual_e5_small_q4")
    assert not any((cache / "models").iterdir())
    monkeypatch.setattr(multilingual, "convert", real)
    folder = multilingual.model_folder("multilingual_e5_small_q4")
    assert folder.parent == cache / "models" and list(folder.parent.iterdir()) == [folder]
    rows = multilingual.encoded(multilingual.load_model(folder, 16), ["dom", "reka"])
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    monkeypatch.setattr(multilingual, "convert", None)
    assert multilingual.model_folder("multilingual_e5_small_q4") == folder


def test_a_hub_model_without_pooling_of_its_own_becomes_a_sentence_encoder(
    tmp_path, cache, hub_gives
):
    source = save_tiny_encoder(tmp_path / "snapshot", "WordPiece", as_on_hub=True)
    (source / "modules.json").unlink()
    for name in ("1_Pooling", "2_Normalize"):
        shutil.rmtree(source / name)
    asked = hub_gives(source)
    folder = multilingual.model_folder("mbert", "hub")
    assert multilingual.model_folder("mbert", "hub") == folder
    about = multilingual.MULTILINGUAL_MODELS["mbert"]
    ((repository, options),) = asked
    assert (repository, options["revision"]) == (about.repository, about.revision)
    assert not any("bin" in pattern or "*." == pattern for pattern in options["allow_patterns"])
    assert not (source / "modules.json").exists()
    found = multilingual.encoded(multilingual.load_model(folder, 24), ["dom reka"])
    assert np.abs(found[0] - embed_by_hand(source, "dom reka")).max() <= 1e-5
