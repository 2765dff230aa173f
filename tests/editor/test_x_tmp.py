import time
from test_commands import *
def test_a(hosted):
    t=time.monotonic()
    def p(x): print(x, round(time.monotonic()-t,3))
    hosted.edit(TEXT, name="x.py"); p("edit")
    hosted.command("5,6VivekAsk shorten | this"); p("ask")
    hosted.eval("1"); p("eval")
    arrived(hosted, "vivek_ask"); p("arrived")
