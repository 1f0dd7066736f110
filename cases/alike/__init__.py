"""Cases that began with nearly the same words stand in the queue behind one of them, and can be answered together.

`grouping` puts them together as they are opened, `heads` keeps the most urgent of each flood in front, `parting` takes
one out, `answering` answers or resolves them all, `privacy` forgets. Nothing is hidden for good: whatever goes wrong,
who stands behind nobody who needs us is back in the queue within a minute (`heads.sweep`).
"""
