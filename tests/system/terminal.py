#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Drives `kist run -it` as a person at a terminal would: prompt, window size, job control, Ctrl-C, Ctrl-P Ctrl-Q, attach.
# Arguments: the kist command and its global options. Says what was expected and what came when a step fails.
import re
import sys
import time

import pexpect

kist = sys.argv[1]
options = sys.argv[2:]
PROMPT = r"/ # "


def start(*arguments):
    child = pexpect.spawn(kist, options + list(arguments), timeout=10, encoding="utf-8", dimensions=(24, 80))
    child.delaybeforesend = 0.05
    return child


shell = start("run", "-it", "--name", "term", "busybox", "sh")
shell.expect(PROMPT)

shell.sendline("stty size; tty; echo $TERM")
shell.expect("24 80")
shell.expect("/dev/")
shell.expect("xterm")
shell.expect(PROMPT)

shell.setwinsize(40, 100)
deadline = time.time() + 5
while True:
    shell.sendline("stty size")
    if shell.expect(["40 100", r"\d+ \d+"]) == 0:
        break
    assert time.time() < deadline, "the window size never arrived"
    shell.expect(PROMPT)
shell.expect(PROMPT)

# Job control: a background job, Ctrl-C of a foreground one.
shell.sendline("sleep 1000 &")
shell.expect(PROMPT)
shell.sendline("jobs")
shell.expect(r"Running\s+sleep 1000")
shell.expect(PROMPT)
shell.sendline("sleep 1001")
time.sleep(0.3)
shell.sendintr()
shell.expect(PROMPT)
shell.sendline("echo status=$?")
shell.expect("status=130")
shell.expect(PROMPT)

# A lone Ctrl-P reaches the shell soon: in busybox it recalls the last line.
shell.send("\x10")
shell.expect(r"echo status=\$\?", timeout=1)
shell.send("\x15")

# Detach: the command ends, the container stays.
shell.send("\x10\x11")
shell.expect(pexpect.EOF)
shell.close()
assert shell.exitstatus == 0, f"detaching ended with {shell.exitstatus}"
state = pexpect.run(f"{kist} {' '.join(options)} inspect --format {{{{.State.Status}}}} term", encoding="utf-8").strip()
assert state == "running", f"after detaching the container is {state}"

again = start("attach", "term")
again.send("\r")
again.expect(PROMPT)
again.sendline("echo still $((40+2))")
again.expect("still 42")
again.sendline("exit 3")
again.expect(pexpect.EOF)
again.close()
assert again.exitstatus == 3, f"exit code after attach: {again.exitstatus}"
print("ok")
