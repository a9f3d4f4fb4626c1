"""`alliance archive`: check, export, import and repair archives of evidence (protocol 4.6, 4.12)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from alliance.errors import AllianceError
from alliance.identity import Digest
from oracle import car, replica
from oracle.archive import BlockAltered, BlockMissing, FolderArchive, GatewayArchive
from oracle.cbor import Cid, parse_cid
from oracle.kubo import NodeArchive

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
Folder = Annotated[Path, typer.Argument(help="Folder of an archive.", exists=True, file_okay=False)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")]
_COPY_HELP = "The other archive: a folder, or the address of an IPFS node's RPC (http://127.0.0.1:5001)."


@app.callback()
def _archive() -> None:
    """Check, export, import and repair archives of evidence."""


@app.command()
def check(archive: Folder, as_json: AsJson = False) -> None:
    """Hash every block of a folder. Exit 0 if each is what its address says, 1 with the altered ones named."""
    folder, altered, count, size = FolderArchive(archive), [], 0, 0
    for digest in folder.digests():
        try:
            size += len(folder.get(digest))
        except BlockAltered:
            altered.append(str(Cid(digest)))
        count += 1
    for name in altered:
        print(f"altered 被篡改  {name}")
    _tell({"blocks": count, "bytes": size, "altered": altered}, f"{count} blocks 块, {size} bytes 字节", as_json)
    raise typer.Exit(1 if altered else 0)


@app.command()
def export(
    place: Annotated[str, typer.Argument(help="The archive: a folder or a gateway's address.")],
    root: Annotated[str, typer.Argument(help="CID of a manifest: it is exported with every block that it leads to.")],
    out: Annotated[Path, typer.Option("--out", help="The CAR file to write.", dir_okay=False)],
    epoch_only: Annotated[
        bool, typer.Option("--epoch", help="That epoch's blocks alone, not those of the epochs before it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a manifest and all that it leads to into one CAR file."""
    count = 0
    try:
        digest = parse_cid(root).digest
        with out.open("wb") as file:
            file.write(car.header([digest]))
            for block in _exported(place, digest, epoch_only=epoch_only):
                count += file.write(car.section(block)) > 0
    except (AllianceError, OSError) as error:
        out.unlink(missing_ok=True)
        _fail(error)
    _tell({"blocks": count, "bytes": out.stat().st_size, "root": root}, f"{count} blocks 块 → {out}", as_json)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CAR file.", exists=True, dir_okay=False)],
    archive: Annotated[Path, typer.Argument(help="Folder of an archive, made if absent.", file_okay=False)],
    as_json: AsJson = False,
) -> None:
    """Store every block of a CAR file, each hashed first; one cut short or altered is refused by its place."""
    folder, count = FolderArchive(archive), 0
    try:
        with file.open("rb") as source:
            roots, blocks = car.read(source)
            for _, block in blocks:
                folder.put(block)
                count += 1
        missing = [str(Cid(root)) for root in roots if not folder.has(root)]
    except (AllianceError, OSError) as error:
        _fail(error)
    _tell({"blocks": count, "rootsMissing": missing}, f"{count} blocks 块 → {archive}", as_json)
    raise typer.Exit(1 if missing else 0)


@app.command()
def repair(archive: Folder, copy: Annotated[str, typer.Argument(help=_COPY_HELP)], as_json: AsJson = False) -> None:
    """Bring two archives together: what one lacks or holds altered comes from the other. Exit 1 if a block is lost."""
    try:
        done = replica.repair(FolderArchive(archive), _copy(copy))
    except (AllianceError, OSError) as error:
        _fail(error)
    lost = [str(Cid(digest)) for digest in done.lost]
    for name in lost:
        print(f"lost 丢失  {name}")
    plain = {"checked": done.checked, "mended": done.mended, "copied": done.copied, "lost": lost}
    _tell(plain, f"{done.checked} checked 检查, {done.mended} mended 修复, {done.copied} copied 复制", as_json)
    raise typer.Exit(1 if lost else 0)


def _exported(place: str, root: Digest, *, epoch_only: bool) -> Iterator[bytes]:
    source = GatewayArchive(place) if place.startswith(("http://", "https://")) else _existing(place)
    if epoch_only:
        yield from replica.epoch_blocks(source, root)
    else:
        yield from car.walk(root, source.get, into=replica.named)


def _existing(place: str) -> FolderArchive:
    if not Path(place).is_dir():
        raise FileNotFoundError(f"no folder {place}")
    return FolderArchive(Path(place))


def _copy(place: str) -> replica.Copy:
    return NodeArchive(place) if place.startswith(("http://", "https://")) else FolderArchive(Path(place))


def _tell(plain: dict[str, object], line: str, as_json: bool) -> None:
    print(json.dumps(plain, ensure_ascii=False) if as_json else line)


def _fail(error: Exception) -> None:
    kind = "withheld 缺失" if isinstance(error, BlockMissing) else "refused 拒绝"
    typer.echo(f"{kind}: {error}", err=True)
    raise typer.Exit(1) from error
