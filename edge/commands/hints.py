"""What to do about an error that a new user meets first, said behind it in the same line: Chinese, then English."""

from collections.abc import Mapping

_HINTS: Mapping[str, tuple[str, str]] = {
    "settings_missing": ("没有设置文件，用 alliance-edge init 生成", "`alliance-edge init` writes one"),
    "settings_malformed": ("设置有误，改正所指的键", "correct the named keys of the settings"),
    "settings_exist": ("设置文件已存在，不覆盖", "it stands already and is not overwritten"),
    "deployment_missing": ("缺少联盟的部署文件 deployment.json", "ask the alliance for its deployment.json"),
    "store_missing": ("站端盒尚未运行或登记", "the box never ran and was never enrolled with this state folder"),
    "events_missing": ("站端盒尚未运行", "the box never ran with this state folder"),
    "passphrase_missing": (
        "缺少密钥口令：passphrase_file、systemd 凭据或 ALLIANCE_EDGE_PASSPHRASE",
        "give the key's passphrase: passphrase_file, the unit's credential, or ALLIANCE_EDGE_PASSPHRASE",
    ),
    "folder_in_use": ("站端盒正在运行，或状态目录被占用", "the box runs already with this state folder"),
    "watchdog_too_short": ("单元的 WatchdogSec 太短，重新生成单元", "print the unit anew: `alliance-edge unit`"),
    "configuration_foreign": ("不是本站的，或签名密钥未被固定", "another station's, or not by a pinned configurer"),
    "key_not_remote": ("此项只能在站端盒上改", "this can be changed at the box alone"),
    "limit_loosened": ("远程只能收紧限值", "from afar a limit becomes narrower only"),
}


def hint(code: str) -> str:
    """The words behind an error; nothing where none are needed."""
    words = _HINTS.get(code)
    return "" if words is None else f" ({words[0]}; {words[1]})"
