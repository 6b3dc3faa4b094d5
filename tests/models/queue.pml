/* SPDX-License-Identifier: MIT
 * The queue with compare-and-swap, between threads. In every order: what is accepted is received once, whole and in
 * the order of its sender; a send is refused only when the queue is full, but for the slot that is kept for what the
 * first sender sends (completions); a sender that stops for ever (STOPS) keeps
 * no other sender from ending. Mutants that must fail: NAIVE_TAIL, EARLY_PUBLISH, EARLY_FREE, IN_ORDER (publish in the
 * order of the claims: what this queue does not do; with STOPS others wait for ever). Run by make model. */

#ifndef SLOTS
#define SLOTS 2                        /* as queue slots: a power of two */
#endif
#ifndef SENDERS
#define SENDERS 3
#endif
#ifndef EACH
#define EACH 2
#endif
#define ORIGIN 254                     /* numbers of slots are bytes here, and wrap */
#define AT(index) ((index) & (SLOTS - 1))
#define LAST(index) ((index + (me != 0)) % 256)        /* the slot that must be free: of an event, one behind its own */

byte tail = ORIGIN, head = ORIGIN, committed = ORIGIN;
byte sequence[SLOTS], low[SLOTS], high[SLOTS];
byte claimed, freed, published, ended; /* not of the queue: what the checks need */
byte sent[SENDERS];                    /* events of each, from 1 */
byte got[SENDERS];

proctype sender(byte me)
{
    byte n, index, distance;
    for (n : 1 .. EACH) {
        index = tail;
again:
        atomic {
            distance = (sequence[AT(LAST(index))] + 256 - LAST(index)) % 256;
            assert(distance < 128 || claimed - freed >= SLOTS - (me != 0))       /* full is full */
        }
        if
        :: distance >= 128 -> goto refused
        :: distance < 128
        fi;
#ifdef NAIVE_TAIL
        tail = (index + 1) % 256;
        claimed++;
#else
        atomic {
            if
            :: tail == index -> tail = (index + 1) % 256; claimed++
            :: else -> index = tail; goto again
            fi
        }
#endif
#ifdef STOPS
        if
        :: me == 0 -> ended++; goto stopped
        :: me != 0
        fi;
#endif
#ifdef EARLY_PUBLISH
        sequence[AT(index)] = (index + 1) % 256;
#endif
        low[AT(index)] = me * 16 + n;
        high[AT(index)] = me * 16 + n;
#ifdef IN_ORDER
        committed == index;
        committed = (index + 1) % 256;
#endif
        d_step {
            sequence[AT(index)] = (index + 1) % 256;
            published++;
            sent[me] = n
        };
refused:
        skip
    }
    ended++;
stopped:
    skip
}

active proctype receiver()
{
    byte value;
    do
    :: sequence[AT(head)] == (head + 1) % 256 ->
#ifdef EARLY_FREE
        sequence[AT(head)] = (head + SLOTS) % 256;
#endif
        value = low[AT(head)];
        assert(high[AT(head)] == value);                             /* whole */
        assert(value / 16 < SENDERS && value % 16 > got[value / 16]);    /* once, in order */
        got[value / 16] = value % 16;
        d_step {
            sequence[AT(head)] = (head + SLOTS) % 256;
            freed++
        };
        head = (head + 1) % 256
    :: ended == SENDERS && sequence[AT(head)] != (head + 1) % 256 ->
#ifndef STOPS
        assert(freed == published && head == tail);                  /* none lost */
#endif
        break
    od
}

init {
    byte i;
    d_step {
        for (i : 0 .. SLOTS - 1) { sequence[AT(ORIGIN + i)] = ORIGIN + i }
    }
    atomic {
        for (i : 0 .. SENDERS - 1) { run sender(i) }
    }
}
