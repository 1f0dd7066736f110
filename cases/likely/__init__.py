"""The cause a case is likely to have, by what was said in it: counted from resolved cases, and always with why.

`signs` and `weighing` are pure. `learning` counts, each hour; `suggesting` asks once for one case; `taken` keeps
whether the suggestion was of use.
"""
