"""The pure part of the orchestrator: no Django, no clock, no network.

spec.py           what an author wrote, as frozen values      states.py    states, their moves and looks
documents.py      guarded YAML with places                    flow_yaml.py a flow's text -> FlowSpec (parse, read)
*_yaml.py         its parts: tasks, inputs, triggers, retries, approvals; yaml_fields.py reads single properties
flow_rules.py     what a flow must keep (problems, problems_of); *_rules.py are its parts
type_info.py      what the rules know of a type               type_names.py  one name for many spellings
flowable_types.py, trigger_types.py, schemas.py               the types that are built in, by schema
inputs.py         binding values to inputs; input_types.py reads each type
graph.py          a flow as a graph and as plain steps        expressions/ the language between {{ and }}
machine.py        where an execution goes next, with snapshot.py, outline.py, walk.py, retries.py and flowables/
errors.py similar.py sentences.py durations.py findings.py    words for what is wrong
"""
