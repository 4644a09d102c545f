"""The pytest plugin: an audit as tests, under the name ``probandum`` (``-p no:probandum`` turns it off).

    pytest --audit audit.yaml            one test a probe, one a limit, and one for the accounting
    def test_no_gap(audit): ...          the record for tests of one's own

What is collected is known from the plan: findings are known only once the system was asked, and collecting must cost
nothing and give the same names in every process of pytest-xdist. So a test is a probe ("it ran, and its controls
held"), a limit (with the findings that it judges), or ``accounting`` (the record verifies, every probe and limit left
something, something was judged); it says the findings in its lines and as JUnit properties. Together the tests fail
where the gate would.

    broken limit       failed
    probe, control or record in error   error
    inconclusive       an outcome of its own, I: it never counts as a pass, and makes pytest end with 1 where the gate
                       would block
    waived             an outcome of its own, W
    not applicable     skipped, with the reason

The record is made once a session, by the process that needs it first; the others wait for it and read it. Nothing
here loads with pytest but ``plugin`` and ``outcomes``, which import nothing heavy.
"""
