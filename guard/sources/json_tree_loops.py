"""The values of many small JSON documents from their tokens, as compiled loops.

What `guard.sources.json_paths` and `guard.sources.json_document` say of one document, for documents of the usual kind:
good, without keys that are written with escapes, without objects of very many keys, not too deep. Any other is left to
these. The places of all documents (nodes) are numbered together; each document has a run of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from guard.compiled import inlined_loop, tight_loop
from guard.hashing_loops import hash_slice, word_at
from guard.sources.json_paths import MAX_KEYS, MAX_NESTING, MAX_PATHS, RECORD_LEVELS
from guard.sources.json_token_loops import NO_ROOM, TOKENS, WRONG, find_tokens
from guard.sources.json_tokens import CLOSE_ARRAY, CLOSE_OBJECT, COMMA, KEY, OPEN_ARRAY, OPEN_OBJECT, QUOTE, VALUE

Array = Any
NONE, REST = -1, -2
"""In place of a key: the items of an array or the root; the members of an object whose keys are data."""
_TEXT, _NUMBER, _LITERAL, _DATA_KEY, KINDS = 0, 1, 2, 3, 4
"""Kinds of values, of which keys that are data are one, and how many there are."""
STACK = 2 * MAX_NESTING + 2 * RECORD_LEVELS + 1
"""How long the stack of `grow` is."""
_NINE = 57
_VALUE, _KEY, _COMMA, _CLOSE = 1, 2, 4, 8
_WORD = 8
_at = np.uint64


class Tokens(NamedTuple):
    """The columns of the tokens of all documents."""

    kinds: Array
    starts: Array
    ends: Array
    escaped: Array


class Places(NamedTuple):
    """The nodes: of each the node above, the key that leads there, the node of its items and that of the members that
    are not told apart, how many other members it has, how many steps lead there, and its field."""

    parents: Array
    keys: Array
    items: Array
    rests: Array
    children: Array
    depths: Array
    fields: Array


class Keys(NamedTuple):
    """Where each key was written first, without its quotes; and a hash table: numbers from 1 on in slots, of which
    there are a power of two, more than keys. The one `secret` number keeps others from writing keys that all come to
    lie in the same slots."""

    starts: Array
    ends: Array
    slots: Array
    secret: Array


class Fields(NamedTuple):
    """Of each field the field above and the key; `firsts[n]` is the first of document n."""

    parents: Array
    keys: Array
    firsts: Array


@tight_loop
def tokenize_each(raw: Array, begins: Array, stops: Array, kinds: Array, starts: Array, ends: Array, escaped: Array,
                  wrong: Array, firsts: Array, is_good: Array) -> int:
    """The tokens of each text `raw[begins[n]:stops[n]]`, one behind the other: those of text n begin at `firsts[n]`,
    and none is wrong where `is_good[n]`. Returns NO_ROOM where the columns are too short for all."""
    count, counts = 0, firsts[len(begins) :]
    for text in range(len(begins)):
        firsts[text], begin = count, begins[text]
        if find_tokens(raw[begin : stops[text]], False, kinds[count:], starts[count:], ends[count:], escaped[count:],
                       wrong, counts) == NO_ROOM:
            return NO_ROOM
        is_good[text] = counts[WRONG] == 0
        for token in range(count, count + counts[TOKENS]):
            starts[token] += begin
            ends[token] += begin
        count += counts[TOKENS]
    firsts[len(begins)] = count
    return 0


@tight_loop
def grow(words: Array, tokens: Tokens, firsts: Array, is_good: Array, places: Places, keys: Keys, slots: Array,
         stack: Array, node_of: Array, row_of: Array, node_firsts: Array, levels: Array, records: Array) -> int:
    """Fills `places` and `keys`, and for each value and key its node and its record from 0 on; how many keys there are.

    `node_firsts[n]` is the first node of document n, `levels[n]` how deep its records lie, `records[n]` how many there
    are. One of an unusual kind is no longer `is_good`. `slots` are a hash table of nodes, `stack` is working memory.
    """
    nodes, known = 0, 0
    opened = stack[2 * MAX_NESTING :]
    for text in range(len(is_good)):
        node_firsts[text], first, last = nodes, firsts[text], firsts[text + 1]
        if not is_good[text]:
            continue
        opened[:] = 0
        # The nodes of one that is left stay, for the table knows them.
        is_good[text], nodes, known = _grown(words, tokens, first, last, places, keys, slots, nodes, known, stack,
                                             opened, node_of)
        if is_good[text]:
            levels[text] = _record_level(opened)
            records[text] = _number_records(tokens.kinds, first, last, levels[text], opened, stack, row_of)
    node_firsts[len(is_good)] = nodes
    return known


@inlined_loop
def _grown(words: Array, tokens: Tokens, first: int, last: int, places: Places, keys: Keys, slots: Array, root: int,
           known: int, stack: Array, opened: Array, node_of: Array) -> tuple[bool, int, int]:
    """Whether a document, whose root is `root`, is of the usual kind; how many nodes and keys there are then.

    The grammar is that of `Paths.document`. `opened[level]` counts containers, `opened[RECORD_LEVELS + level]` those
    in arrays, `opened[2 * RECORD_LEVELS]` is how deep they lie.
    """
    kinds, nodes = tokens.kinds, _add(places, root, NONE, NONE, 0)
    height, place, holder, is_array, expects, token = 0, root, NONE, False, _VALUE, first
    while token < last:
        kind = kinds[_at(token)]
        if kind == KEY:
            if not expects & _KEY or tokens.escaped[_at(token)] or nodes - root >= MAX_PATHS:
                return False, nodes, known
            if places.children[holder] > MAX_KEYS:
                place, nodes = _rest(places, holder, nodes)
            else:
                key, known = _key_number(words, keys, int(tokens.starts[token]) + 1, int(tokens.ends[token]) - 1,
                                         known)
                place, nodes = _member(places, slots, holder, key, nodes)
            node_of[token], expects = place, _VALUE
            token += 1  # its colon
        elif kind in (QUOTE, VALUE):
            if not expects & _VALUE:
                return False, nodes, known
            node_of[token] = place
            expects = _VALUE if height == 0 else _COMMA | _CLOSE
        elif kind == COMMA:
            if not expects & _COMMA:
                return False, nodes, known
            if is_array:
                place = places.items[holder]
            expects = _VALUE if is_array else _KEY
        elif kind in (OPEN_ARRAY, OPEN_OBJECT):
            if not expects & _VALUE or height >= MAX_NESTING or nodes - root >= MAX_PATHS:
                return False, nodes, known
            if height < RECORD_LEVELS:
                opened[height] += 1
                opened[RECORD_LEVELS + height] += is_array
            stack[2 * height], stack[2 * height + 1] = holder, is_array
            height, holder, is_array = height + 1, place, kind == OPEN_ARRAY
            opened[2 * RECORD_LEVELS] = max(opened[2 * RECORD_LEVELS], height)
            expects = _VALUE | _CLOSE if is_array else _KEY | _CLOSE
            if is_array and places.items[holder] == NONE:
                places.items[holder] = nodes
                nodes = _add(places, nodes, holder, NONE, places.depths[holder] + 1)
            if is_array:
                place = places.items[holder]
        elif expects & _CLOSE and kind == (CLOSE_ARRAY if is_array else CLOSE_OBJECT):
            height -= 1
            holder, is_array = stack[2 * height], stack[2 * height + 1] != 0
            if height == 0:
                place = root
            expects = _VALUE if height == 0 else _COMMA | _CLOSE
        else:
            return False, nodes, known
        token += 1
    return height == 0 and last > first, nodes, known


@inlined_loop
def _add(places: Places, node: int, parent: int, key: int, depth: int) -> int:
    places.parents[node], places.keys[node], places.items[node], places.rests[node] = parent, key, NONE, NONE
    places.children[node], places.depths[node] = 0, depth
    return node + 1


@inlined_loop
def _rest(places: Places, holder: int, nodes: int) -> tuple[int, int]:
    """The node of the members that are not told apart, and how many nodes there are then."""
    if places.rests[holder] == NONE:
        places.rests[holder] = nodes
        nodes = _add(places, nodes, holder, REST, places.depths[holder] + 1)
    return int(places.rests[holder]), nodes


@inlined_loop
def _key_number(words: Array, keys: Keys, start: int, end: int, known: int) -> tuple[int, int]:
    """The number of a key, and how many there are then."""
    slots, mask = keys.slots, len(keys.slots) - 1
    slot = np.int64(hash_slice(words, start, end, keys.secret[0]) & np.uint64(mask))
    while slots[slot] != 0:
        number = slots[slot] - 1
        if _is_alike(words, int(keys.starts[number]), int(keys.ends[number]), start, end):
            return number, known
        slot = (slot + 1) & mask
    slots[slot] = known + 1
    keys.starts[known], keys.ends[known] = start, end
    return known, known + 1


@inlined_loop
def _is_alike(words: Array, begin: int, stop: int, start: int, end: int) -> bool:
    if stop - begin != end - start:
        return False
    for place in range(0, end - start, _WORD):
        if word_at(words, begin + place, stop) != word_at(words, start + place, end):
            return False
    return True


@inlined_loop
def _member(places: Places, slots: Array, holder: int, key: int, nodes: int) -> tuple[int, int]:
    """The node under a key, and how many nodes there are then."""
    mask = len(slots) - 1
    slot = _slot(holder, key, mask)
    while slots[slot] != 0:
        node = slots[slot] - 1
        if places.keys[node] == key and places.parents[node] == holder:
            return node, nodes
        slot = (slot + 1) & mask
    slots[slot] = nodes + 1
    places.children[holder] += 1
    return nodes, _add(places, nodes, holder, key, places.depths[holder] + 1)


@inlined_loop
def _slot(above: int, key: int, mask: int) -> int:
    return (int(above) * 40_503 + (int(key) + 2) * 60_493) & mask


@inlined_loop
def _record_level(opened: Array) -> int:
    """The level that repeats, as `json_document` chooses it: the outermost with many in arrays, else the fullest."""
    deepest = min(RECORD_LEVELS, max(1, opened[2 * RECORD_LEVELS]))
    opened[RECORD_LEVELS] = opened[0] if opened[0] > 1 else 0
    most = 0
    for level in range(deepest):
        most = max(most, opened[RECORD_LEVELS + level])
    fullest = 0
    for level in range(deepest):
        if most > 1 and opened[RECORD_LEVELS + level] * 8 >= most:
            return level
        if level > 0 and (opened[level] > opened[fullest] or (fullest == 0 and opened[level] > 0)):
            fullest = level
    return fullest


@inlined_loop
def _number_records(kinds: Array, first: int, last: int, level: int, opened: Array, stack: Array, row_of: Array) -> int:
    """Fills `row_of`; how many records there are, one where nothing repeats."""
    height, records, is_inside = 0, 0, False
    for token in range(first, last):
        kind = kinds[_at(token)]
        if kind in (OPEN_ARRAY, OPEN_OBJECT):
            if height == level:
                is_inside = opened[RECORD_LEVELS] > 0 if level == 0 else stack[height - 1] == OPEN_ARRAY
                records += is_inside
            stack[height] = kind
            height += 1
        elif kind in (CLOSE_ARRAY, CLOSE_OBJECT):
            height -= 1
            is_inside = is_inside and height > level
        elif kind in (QUOTE, VALUE, KEY):
            row_of[token] = records - 1 if is_inside else 0
    return max(records, 1)


@tight_loop
def name_fields(places: Places, node_firsts: Array, levels: Array, order: Array, slots: Array, fields: Fields) -> int:
    """Fills `fields` and the fields of `places`; how many there are.

    They are numbered in the order in which `json_paths` comes across them: what is around the records first. Nodes
    below data keys may have the same. `slots` are a hash table of fields, `order` is working memory.
    """
    count = 0
    for text in range(len(levels)):
        fields.firsts[text] = count
        first, last, filled = node_firsts[text], node_firsts[text + 1], 0
        for is_record in range(2):
            for node in range(first, last):
                if (places.depths[node] > levels[text]) == is_record:
                    order[filled] = node
                    filled += 1
        for index in range(filled):
            places.fields[order[index]], count = _field(places, int(order[index]), slots, fields, count)
    fields.firsts[len(levels)] = count
    return count


@inlined_loop
def _field(places: Places, node: int, slots: Array, fields: Fields, count: int) -> tuple[int, int]:
    """The field of a node, and how many there are then."""
    parent = places.parents[node]
    above = NONE if parent == NONE else int(places.fields[parent])
    key = REST if _is_data_key(places, node) else int(places.keys[node])
    if above != NONE:
        mask = len(slots) - 1
        slot = _slot(above, key, mask)
        while slots[slot] != 0:
            field = slots[slot] - 1
            if fields.parents[field] == above and fields.keys[field] == key:
                return field, count
            slot = (slot + 1) & mask
        slots[slot] = count + 1
    fields.parents[count], fields.keys[count] = above, key
    return count, count + 1


@inlined_loop
def _is_data_key(places: Places, node: int) -> bool:
    """Whether the key that leads to a node is data."""
    key, parent = int(places.keys[node]), int(places.parents[node])
    return key == REST or (key != NONE and int(places.children[parent]) > MAX_KEYS)


@tight_loop
def order_values(raw: Array, tokens: Tokens, firsts: Array, is_good: Array, places: Places, node_of: Array,
                 row_of: Array, edges: Array, values: Array, escaped: Array) -> int:
    """Fills `values` (rows: record, start, end) by field, in it by kind, then as they stand; how many there are.

    Those of kind k of field f begin at `edges[KINDS * f + k]` and end at the next edge. `edges` is zero and has two
    more than there are of both.
    """
    for text in range(len(is_good)):
        for token in range(firsts[text], firsts[text + 1] if is_good[text] else firsts[text]):
            kind = _kind(raw, tokens, places, node_of, token)
            if kind != NONE:
                edges[KINDS * places.fields[node_of[token]] + kind + 2] += 1
    for group in range(2, len(edges)):
        edges[group] += edges[group - 1]
    for text in range(len(is_good)):
        for token in range(firsts[text], firsts[text + 1] if is_good[text] else firsts[text]):
            kind = _kind(raw, tokens, places, node_of, token)
            if kind != NONE:
                group = KINDS * places.fields[node_of[token]] + kind + 1
                at = edges[group]
                values[0, at], values[1, at] = row_of[token], tokens.starts[token]
                values[2, at], escaped[at] = tokens.ends[token], tokens.escaped[token]
                edges[group] = at + 1
    return int(edges[len(edges) - 1])


@inlined_loop
def _kind(raw: Array, tokens: Tokens, places: Places, node_of: Array, token: int) -> int:
    """The kind of value that a token is; NONE where it is none."""
    kind = tokens.kinds[_at(token)]
    if kind == QUOTE:
        return _TEXT
    if kind == VALUE:
        return _LITERAL if raw[tokens.starts[token]] > _NINE else _NUMBER
    if kind == KEY and _is_data_key(places, node_of[token]):
        return _DATA_KEY
    return NONE
