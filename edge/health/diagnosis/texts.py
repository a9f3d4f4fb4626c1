"""What the diagnosis says to a person, Chinese first: why a figure is not told, causes, what to do about findings."""

Text = tuple[str, str]
"""Chinese, English."""

WHY: dict[str, Text] = {
    "no_cell_data": ("设置中没有电芯数据（cells）", "the settings state no cell data (cells)"),
    "no_current": ("尚无电池电流和电压测量", "no current and voltage of the battery measured yet"),
    "no_cells": ("电池不提供单体电压", "the battery gives no cell voltages"),
    "few_rests": ("静置点的荷电状态相差不足30%", "no two rests that lie 30 % apart in state of charge"),
    "few_steps": ("10秒内的电流阶跃不足3次", "fewer than three current steps within 10 s"),
    "few_tests": ("健康度测试不足3次", "fewer than three finished tests"),
    "too_uncertain": ("不确定度超过5%", "the uncertainty exceeds 5 %"),
    "no_fade": ("衰减尚不能与零区分", "the fade cannot be told from none yet"),
}
FINDINGS: dict[str, tuple[Text, Text, Text]] = {
    "capacity_low": (
        ("容量健康度低", "state of health by capacity low"),
        ("循环或日历老化，或个别电芯限制整簇", "ageing by cycles or time, or single cells that limit their cluster"),
        ("按包复测容量，更换落后的包", "test capacity pack by pack, exchange the weak ones"),
    ),
    "resistance_high": (
        ("内阻偏高", "resistance high"),
        ("电芯老化，或连接、接触器接触不良", "aged cells, or loose joints and contactors"),
        ("检查紧固力矩与红外测温，再复测内阻", "check torques and look with a thermal camera, then test again"),
    ),
    "spread_wide": (
        ("单体压差大", "cell voltages far apart"),
        ("电芯不均衡或自放电", "cells out of balance, or one discharging itself"),
        ("满充后均衡，压差不降则更换电芯", "balance when full; exchange the cell if the spread stays"),
    ),
    "cell:capacity": (
        ("单体容量不足", "cell holds less than the others"),
        ("放空时偏离，满充时正常", "apart when empty, not when full"),
        ("更换该单体所在的包", "exchange the pack of this cell"),
    ),
    "cell:imbalance": (
        ("单体不均衡", "cell out of balance"),
        ("满充静置时偏离", "apart at rest when full"),
        ("均衡后复测，再次偏离则查自放电", "balance and test again; if it returns, look for self-discharge"),
    ),
    "cell:resistance": (
        ("单体内阻偏高", "cell resistance high"),
        ("仅带载时偏离", "apart under load alone"),
        ("检查该单体的连接片", "check the joints of this cell"),
    ),
}
"""Name, cause, what to do."""
STAGES: dict[str, Text] = {
    "charge": ("充电", "charging"),
    "rest_full": ("满充静置", "resting full"),
    "discharge": ("放电", "discharging"),
    "rest_empty": ("放空静置", "resting empty"),
    "return": ("恢复荷电状态", "returning to its state of charge"),
    "done": ("已完成", "done"),
    "aborted": ("已中止", "ended early"),
}
REASONS: dict[str, Text] = {
    "asked": ("操作员中止", "ended by its operator"),
    "instruction": ("调度指令优先", "an instruction goes before it"),
    "envelope": ("运行包络优先", "an envelope goes before it"),
    "safe_schedule": ("安全计划优先", "the safe schedule goes before it"),
    "schedule": ("计划优先（可用 --over-schedule）", "the schedule goes before it (--over-schedule)"),
    "demand": ("需量控制优先", "keeping the demand goes before it"),
    "interrupted": ("中断超过15分钟", "the box was away for more than 15 minutes"),
    "too_long": ("超过24小时", "it took more than 24 hours"),
    "manual": ("人工接管", "taken over by hand"),
    "local": ("就地控制", "the device's switch stands on local"),
    "no_measurement": ("无测量", "no measurement"),
}
PARTS: dict[str, Text] = {
    "soh": ("容量", "capacity"),
    "spread": ("压差", "spread"),
    "temperature": ("温度", "temperature"),
    "resistance": ("内阻", "resistance"),
    "alarm": ("告警", "alarms"),
}


def finding_text(name: str) -> tuple[Text, Text, Text, int]:
    """Name, cause, what to do, and the cell's number (0: the whole battery) of a finding or work order."""
    kind, *rest = name.split(":")
    if not rest:
        return (*FINDINGS[kind], 0)
    return (*FINDINGS[f"{kind}:{rest[1]}"], int(rest[0]))
