"""What the box's names are called where a person reads them: Chinese first, English beside it."""

from collections.abc import Mapping
from typing import Literal

Language = Literal["zh", "en"]

_WORDS: Mapping[str, tuple[str, str]] = {
    # events
    "started": ("启动", "started"),
    "stopped": ("停止", "stopped"),
    "head": ("签名存证", "signed head"),
    "alarm.raised": ("告警发生", "alarm raised"),
    "alarm.cleared": ("告警消除", "alarm cleared"),
    "order.source": ("指令来源变更", "source of orders changed"),
    "control.mode": ("控制权切换", "control switched"),
    "key.changed": ("签名密钥变更", "signing key changed"),
    "directive.answered": ("调度指令答复", "directive answered"),
    "configuration.applied": ("远程参数试运行", "configuration on trial"),
    "configuration.confirmed": ("远程参数已确认", "configuration confirmed"),
    "configuration.refused": ("远程参数被拒", "configuration refused"),
    "configuration.rolled_back": ("远程参数已回退", "configuration rolled back"),
    "configuration.foreign": ("收到陌生的远程参数", "foreign configuration"),
    "log.broken": ("事件日志曾被改动或截断", "event log had been altered or cut"),
    "log.torn": ("断电时未写完的记录已去除", "entry torn by a power cut removed"),
    "log.lost": ("未能写入的事件", "events that could not be written"),
    # how a log is broken
    "unreadable": ("无法读取", "unreadable"),
    "changed": ("内容被改动", "changed"),
    "missing": ("记录缺失", "entries missing"),
    "repeated": ("记录重复", "entry repeated"),
    "moved": ("次序被改动", "entry moved"),
    "follows_another": ("与前一条不衔接", "does not follow the entry before"),
    "head_wrong": ("签名所指的记录不符", "a head signs another entry"),
    "head_foreign": ("签名不是本站端盒密钥所签", "head not signed by the box's key"),
    "rewritten": ("自签名处起被重写", "rewritten since it was signed"),
    "cut_at_beginning": ("开头被截去", "cut at its beginning"),
    "cut_at_end": ("末尾被截去", "cut at its end"),
    # alarms
    "device.unreadable": ("设备无应答", "device does not answer"),
    "device.clock_skewed": ("设备时钟偏差", "device's clock is off"),
    "device.alarm": ("设备告警", "device alarm"),
    "device.order_failed": ("指令下发失败", "order not taken"),
    "control.taken_over": ("控制权在他处", "others command the station"),
    "frequency.process_down": ("调频进程未运行", "frequency process down"),
    "frequency.unmeasured": ("频率无测量", "frequency not measured"),
    "schedule.missing": ("无当前计划", "no schedule for now"),
    "schedule.refused": ("计划被拒", "schedule refused"),
    "envelope.expired": ("调度边界已过期", "envelope expired"),
    "uplink.down": ("平台未应答", "platform does not answer"),
    "outbox.failed": ("存储失败", "storage failed"),
    "outbox.full": ("存储已满", "storage full"),
    "key.lapsed": ("签名密钥失效", "signing key lapsed"),
    "events.unwritable": ("事件日志无法写入", "event log cannot be written"),
    "page.down": ("状态页端口被占用", "health page's port is taken"),
    "reading.doubtful": ("读数存疑", "reading doubtful"),
    "reading.malformed": ("读数超出格式", "reading does not fit its form"),
    "segment.refused": ("平台拒收数据段", "segment refused by the platform"),
    # sources of orders
    "instruction": ("调度指令", "instruction"),
    "schedule": ("日前/日内计划", "schedule"),
    "safe": ("安全计划", "safe schedule"),
    "nothing": ("无", "nothing"),
    # who commands
    "remote": ("远方", "remote"),
    "local": ("就地", "local"),
    "manual": ("人工接管", "by hand"),
    "unknown": ("未知", "unknown"),
    # why an order was cut
    "no_schedule": ("无计划", "no schedule"),
    "no_measurement": ("无测量值", "no measurement"),
    "control_mode_unknown": ("控制权不明", "control mode unknown"),
    "measurement_doubtful": ("测量值存疑", "measurement doubtful"),
    "pcs_not_ready": ("变流器未就绪", "converter not ready"),
    "heartbeat_stopped": ("心跳停止", "heartbeat stopped"),
    "heartbeat_unknown": ("无心跳信号", "no heartbeat"),
    "contactor_open": ("接触器断开", "contactor open"),
    "contactor_unknown": ("接触器状态不明", "contactor unknown"),
    "bms_forbids": ("BMS 禁止", "BMS forbids"),
    "bms_unknown": ("BMS 许可不明", "BMS permission unknown"),
    "rating": ("受额定功率限制", "rated power"),
    "device_limit": ("受设备限制", "device limit"),
    "device_limit_unknown": ("设备限值不明", "device limit unknown"),
    "soc_low": ("荷电过低", "state of charge low"),
    "soc_high": ("荷电过高", "state of charge high"),
    "cell_voltage": ("受单体电压限制", "cell voltage"),
    "cell_voltage_unknown": ("无单体电压", "cell voltage unknown"),
    "cell_temperature": ("受单体温度限制", "cell temperature"),
    "cell_temperature_unknown": ("无单体温度", "cell temperature unknown"),
    "pcc_import": ("受并网点用电限制", "PCC import limit"),
    "pcc_export": ("受并网点送电限制", "PCC export limit"),
    "demand": ("受需量限制", "demand limit"),
    "demand_unknown": ("需量不明", "demand unknown"),
    "ramp": ("爬坡中", "ramping"),
    # needs that went unasked
    "bms_permission": ("BMS 许可", "BMS permission"),
    "contactor": ("接触器", "contactor"),
    "heartbeat": ("心跳", "heartbeat"),
    "control_mode": ("控制权", "control mode"),
    "pcs_state": ("变流器状态", "converter state"),
    # marks of a sample
    "out_of_range": ("超出量程", "out of range"),
    "not_implemented": ("部分测点未提供", "some points not given"),
    "alarm": ("设备报警", "device alarm"),
    "clock_skewed": ("设备时钟偏差", "device's clock is off"),
    # converter
    "off": ("停机", "off"),
    "standby": ("待机", "standby"),
    "charging": ("充电", "charging"),
    "discharging": ("放电", "discharging"),
    "fault": ("故障", "fault"),
    # answers
    "accepted": ("已接受", "accepted"),
    "refused": ("已拒绝", "refused"),
    "done": ("已完成", "done"),
    "superseded": ("被更新的取代", "superseded"),
    "rounds_stopped": ("控制周期停止", "rounds stopped"),
    "device_silent": ("设备无应答", "devices did not answer"),
    "platform_unreached": ("平台无法到达", "platform not reached"),
    "restarted": ("试运行中重启", "restarted while on trial"),
    "trial_under_way": ("另一组参数正在试运行", "another one is on trial"),
    "expired": ("已过期", "expired"),
    "issued_later": ("签发时间在将来", "issued in the future"),
}


def word(name: str, language: Language) -> str:
    """What a name is called; an alarm of one channel by its kind and number; a name without a word stays."""
    if name in _WORDS:
        return _WORDS[name][0 if language == "zh" else 1]
    stem, dot, number = name.rpartition(".")
    return f"{word(stem, language)} {number}" if dot and stem in _WORDS and number.isdecimal() else name
