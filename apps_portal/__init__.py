"""The portal: apps for people who do not write YAML. Knows `orchestrator` and `tenants`; neither knows it.

core/            pure: app_spec (what an author wrote), app_yaml + form_yaml + layout_yaml (text -> spec, problems with
                 their places), app_rules (an app beside its flow), blocks (all of them: properties, template), stage,
                 audiences, form (fields to fill in), page (blocks to see), steps (a run in plain words), values, chart
models/          app (+ revisions, shares), submission (+ counter, staged uploads)
publishing.py    save an app, publish a flow in two clicks, switch an app off and on
access.py        the only way apps, submissions and files reach a door      catalog.py  what an actor may see and run
submissions.py   fill in and submit; "use these values"      uploads.py  files chosen before the submit
forms.py         an app's form for one person                pages.py    what a request shows now (open_page.py: an app)
inbox.py         approvals as people see them                home.py     what waits for me; palette.py  Ctrl K
files.py         files of a run, checked                     markdown.py, search.py   clean HTML; words as a search
wiring.py        what hangs in lower rooms                   demo.py     the demo tenant        web/ api/   doors
"""
