"""What people here are recognised for: customers they saved, promises they kept, causes they prevented; and thanks.

Every point stands for one thing and leads to it. Nobody is ranked, and nowhere it is counted how many cases somebody
closed.

`saved`, `kept` and `prevented` each define one figure; `cards` puts them together for people and months; `thanking` is
how one of us thanks another by name.
"""
