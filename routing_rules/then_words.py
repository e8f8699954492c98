"""Every key of `then`, in Chinese and English: for the reference page and the editor."""

from __future__ import annotations

THEN_WORDS: dict[str, tuple[str, str]] = {
    "group": ("交给哪个值班组", "Duty group that gets the study"),
    "reader": ("指定阅片医生(登录名)", "Named reader (login)"),
    "second_reader": ("第二位阅片或审核者:登录名或值班组", "Who reviews: a login or a duty group"),
    "priority": ("优先级:routine、urgent、emergency", "Priority: routine, urgent or emergency"),
    "due_minutes": ("签发报告的时限(分钟,自检查到齐起)", "Minutes from complete to the signed report"),
    "due": ("各环节时限(分钟):arrive、claim、write、review、return、open", "Minutes by stage"),
    "forwards": ("同时转发到的节点", "Destinations that get the whole study, too"),
    "tags": ("标签", "Tags"),
    "notify": ("通知谁、何时", "Who is told, and when"),
    "hold": ("错峰:到几点才上列表", "Kept off the worklist until a time of day"),
    "overflow": ("无人领取时转给上级组", "Group that gets it when nobody takes it in time"),
}
