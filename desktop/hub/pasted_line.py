"""A line that a person pasted from a page or a terminal: which model it names, and which file of it.

Pages of models give command lines of other programs, lines of Python and links in Markdown; each of them names the
repository as plainly as its address does. Nothing of such a line is run.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace

from desktop.catalog.repository_name import HUB_HOSTS, parse_repository_name, shown_name, strip_decoration
from desktop.errors import NotFoundError
from desktop.hub.repository_files import quantization_of
from desktop.translation import tr

_LONGEST = 20_000
_MOST_WORDS = 400
_CONTINUED = re.compile(r"[\\^`][ \t]*[\r\n\u2028]+")
_LINK = re.compile(r"\]\(\s*<?([^\s)>]+)|\bhref\s*=\s*[\"']([^\"']+)[\"']", re.IGNORECASE)
# Of Python, JSON and YAML: the keys under which a repository stands, and the functions that take one first.
_KEYED = re.compile(
    r"(?<![\w-])[\"']?(?:repo_id|repo|hf_repo|model(?:_id|_name|_path|_name_or_path)?|base_model)[\"']?\s*[=:]\s*"
    r"[\"']?([^\"'\s,]+)"
)
_CALL = re.compile(
    r"(?:from_pretrained|hf_hub_download|snapshot_download|hf_hub_url|pipeline|load|LLM|Llama)\s*\(\s*[\"']([^\"']+)[\"']"
)
_KEYED_FILE = re.compile(r"\b(?:filename|file_name|gguf_file|model_file|hf_file)[\"']?\s*[=:]\s*[\"']([^\"']+)[\"']")
_KEYED_REVISION = re.compile(r"\brevision[\"']?\s*[=:]\s*[\"']([^\"']+)[\"']")
_DATASET = re.compile(r"repo[_-]type[\"']?[\s=:]+[\"']?(dataset|space)")
_PROGRAMS = frozenset((
    "ollama", "hf", "huggingface-cli", "lms", "docker", "podman", "wget", "curl", "git", "aria2c", "axel", "ramalama",
    "llamafile", "koboldcpp", "vllm", "latchkey", "transformers", "transformers-cli", "modelscope", "iwr", "irm",
    "invoke-webrequest", "start-bitstransfer", "mlx_lm.generate", "mlx_lm.chat", "mlx_lm.server", "jan", "cortex",
    "local-ai", "sglang", "text-generation-launcher", "python", "python3", "uv", "uvx", "pipx",
))  # fmt: skip
_REPOSITORY_OPTIONS = frozenset((
    "-hf", "-hfr", "--hf-repo", "--hf", "--repo", "--repo-id", "--model", "-m", "--model-id", "--model-path",
    "--model-url", "-mu", "--url", "--uri",
))  # fmt: skip
_FILE_OPTIONS = frozenset(("-hff", "--hf-file", "--file", "--filename", "--include"))
_VALUE_OPTIONS = frozenset((
    "--local-dir", "--cache-dir", "--token", "--exclude", "--repo-type", "--max-workers", "--local-dir-use-symlinks",
    "-o", "-O", "--output", "--output-document", "--output-dir", "-P", "--directory-prefix", "-d", "--dir", "-H",
    "--header", "-hfd", "-hfrd", "--hf-repo-draft", "-hfv", "-hfrv", "--hf-repo-v", "-hffv", "--hf-file-v", "--mmproj",
    "-hft", "--hf-token", "--lora", "-md", "--model-draft", "--chat-template-file", "-p", "--prompt", "-sys", "-v",
    "--volume", "-e", "--env", "--name", "-u", "--user", "-OutFile", "--revision", "--tokenizer",
))  # fmt: skip
_OLLAMA_HOSTS = ("ollama.com/", "www.ollama.com/", "registry.ollama.ai/", "ollama://")
_OLLAMA_TAGGED = re.compile(r"[A-Za-z0-9][\w.-]*:[A-Za-z0-9][\w.-]*\Z")


@dataclass(frozen=True)
class PastedLine:
    """`name` is what names the repository in the line: an id or an address, as it stands there. `file` and `revision`
    are what the line names besides, "" for nothing. `other_program` is the program in whose own library the name
    stands, "" for the Hub."""

    name: str
    file: str = ""
    revision: str = ""
    other_program: str = ""


def parse_pasted_line(text: str) -> PastedLine:
    """What `text` names. Of what is no line of any kind that is known here, `name` is all of it."""
    line = " ".join(_CONTINUED.sub(" ", text[:_LONGEST]).split())
    found = _linked(line) or _called(line) or _commanded(line) or _addressed(line)
    if found is None:
        name = strip_decoration(line)
        elsewhere = _of_ollama(name)
        return PastedLine(elsewhere or name, other_program="Ollama" if elsewhere else "")
    if _DATASET.search(line):
        return PastedLine(f"datasets/{strip_decoration(found.name)}")
    return replace(found, file=_file(found.file))


def ollama_name(text: str) -> str:
    """The name of Ollama's own library that `text` gives, alone or in a line of Ollama's; "" where it gives none."""
    line = parse_pasted_line(text)
    return line.name if line.other_program == "Ollama" else ""


def search_words(name: str) -> str:
    """The words to search the Hub for, of a name of another library: "llama3.2:1b" gives "llama3.2 1b"."""
    return " ".join(re.split(r"[:@\s]+", re.sub(r"[:@]latest\Z", "", name.rpartition("/")[2]))).strip()


def other_program_error(line: PastedLine, here: str = "") -> NotFoundError:
    """The name stands in another program's library. `here` is the catalog's id for it, "" where it has none."""
    shown = shown_name(line.name)
    detail = tr("Latchkey fetches models from the Hub, where each has a publisher and a name.")
    if here:
        remedy = tr("In the catalog it is {model}: get that one.").format(model=here)
    else:
        remedy = tr("Search the Hub for “{words}”, and choose one that is found.").format(
            words=shown_name(search_words(line.name))
        )
    title = tr("“{name}” is a name in {program}'s own library.").format(name=shown, program=line.other_program)
    return NotFoundError(title, detail, remedy)


# --- the kinds of lines ----------------------------------------------------------------------------------------------


def _linked(line: str) -> PastedLine | None:
    """A link of Markdown or HTML."""
    for match in _LINK.finditer(line):
        if _leads(target := match[1] or match[2]):
            return PastedLine(target)
    return None


def _called(line: str) -> PastedLine | None:
    """A line of Python, or an entry of JSON or YAML."""
    for pattern in (_KEYED, _CALL):
        for match in pattern.finditer(line):
            if _leads(match[1]):
                file, revision = _KEYED_FILE.search(line), _KEYED_REVISION.search(line)
                return PastedLine(match[1], file[1] if file else "", revision[1] if revision else "")
    return None


def _commanded(line: str) -> PastedLine | None:
    """A command line of a program that fetches models."""
    words = _words(line)
    starts = [place for place, word in enumerate(words) if _program(word)]
    # "docker exec ollama ollama run …" is a line of Ollama's.
    start = next((each for each in reversed(starts) if _program(words[each]) == "ollama"), (starts or [len(words)])[0])
    if not words[start + 1 :]:
        return None
    program, named, files, revision = _program(words[start]), [], [], ""
    plain: list[str] = []
    for option, value in _options(words[start + 1 :]):
        if option in _REPOSITORY_OPTIONS:
            named.append(value)
        elif option in _FILE_OPTIONS:
            files.append(value)
        elif option == "--revision":
            revision = value
        elif not option:
            plain.append(value)
    if program in ("ollama", "docker", "podman") and not any(_leads(each) for each in named):
        return _from_registry(program, plain)
    for each in (*named, *plain):
        if _leads(each) and (_has_host(each) or not each.lower().endswith(".gguf")):  # else the path of a file
            rest = [name for name in plain if name != each and name.lower().endswith(".gguf")]
            return PastedLine(each, (files or rest or [""])[0], revision)
    return None


def _addressed(line: str) -> PastedLine | None:
    """An address of the Hub in the middle of other words."""
    words = line.split(" ")
    if len(words) < 2:
        return None
    return next((PastedLine(each) for each in words if _has_host(each) and _leads(each)), None)


def _from_registry(program: str, plain: list[str]) -> PastedLine | None:
    """Of a program with a library of its own, where only an address leads to the Hub."""
    for each in plain:
        if _has_host(each) and _leads(each):
            return PastedLine(each)
    if program != "ollama":
        images = [each for each in plain if "/" in each] if plain[:1] == ["model"] else []
        return PastedLine(images[0], other_program="Docker") if images else None
    if (
        plain[:1]
        and plain[0] in ("run", "pull", "show", "launch")
        and plain[1:]
        and (name := strip_decoration(plain[1]))
    ):
        return PastedLine(_of_ollama(name) or name, other_program="Ollama")
    return None


# --- words of a command line -----------------------------------------------------------------------------------------


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError:  # a quotation that does not end
        words = line.split(" ")
    return words[:_MOST_WORDS]


def _program(word: str) -> str:
    """The program that a word of a line starts, "" where it starts none that is known."""
    name = re.split(r"[/\\]", strip_decoration(word).lower())[-1].removesuffix(".exe").lstrip("$!%")
    known = name in _PROGRAMS or name.startswith("llama-")
    return name if known and not _has_host(word) else ""


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Each option with its value ("" for one that has none), and each other word under the option ""."""
    waiting = ""
    for word in words:
        if waiting:
            yield waiting, word
            waiting = ""
            continue
        if word in ("|", "&&", ";", "||"):
            return
        option = re.sub(r"\A[–—]", "--", word)
        if not option.startswith("-"):
            yield "", word
            continue
        option, given, value = option.partition("=")
        if given:
            yield option, value
        elif option in _REPOSITORY_OPTIONS | _FILE_OPTIONS | _VALUE_OPTIONS:
            waiting = option
        else:
            yield option, ""


def _has_host(word: str) -> bool:
    """Whether a word is an address, and not just two names with a slash."""
    name = strip_decoration(word).lower()
    return "://" in name or name.startswith("git@") or name.partition("/")[0].removeprefix("www.") in HUB_HOSTS


def _leads(name: str) -> bool:
    """Whether it names a repository, at whichever host."""
    try:
        parse_repository_name(name, hub=None)
    except NotFoundError:
        return False
    return True


def _of_ollama(name: str) -> str:
    """The name in Ollama's library, where it can be nothing else: "llama3.2:1b", or an address of that library."""
    for host in _OLLAMA_HOSTS:
        _, found, rest = name.lower().partition(host)
        if found:
            return name[-len(rest) :].strip("/").removeprefix("library/") if rest else ""
    return name.removeprefix("library/") if _OLLAMA_TAGGED.match(name.removeprefix("library/")) else ""


def _file(pattern: str) -> str:
    """A file's name; of a pattern that names several, the quantization in it."""
    if not any(sign in pattern for sign in "*?["):
        return pattern
    return quantization_of(re.sub(r"[*?\[\]]+", "-", pattern))
