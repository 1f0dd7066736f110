"""The admin's pages about surveys: what is asked and answered, and the calls that come of it."""

from surveys.admin import callers, calls, recognition, surveys

__all__ = ["callers", "calls", "recognition", "surveys"]
