"""A year of made-up history in a scratch workspace of its own, for a newcomer to see a living console.

::

    lay out   the starter's files, more campaigns and articles      -> a workspace in a folder of its own
    join      people, as the year goes by                           -> subscribers and their consent
    publish   each campaign's editions, in the order of their time  -> pipeline: select, press, freeze
    fates     what became of each copy                              -> the ledger, events, tallies, suppressions
    now       what is under way on the day it is made               -> paused, waiting, held, unknown, a broken feed

Everything is drawn from one seed; the same seed and time make the same year. Nothing is mailed or fetched.
"""
