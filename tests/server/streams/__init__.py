"""Tests of what goes on after an answer: exec, attach, port-forward, logs, proxies."""
