"""What the model cannot say, in sentences for a reader of its numbers; at length in docs/rustbelt-model.md."""

LIMITS = (
    "Who the displaced are. They are one pool a region, without age, trade or education, so nothing is said of the young, of skills or of talent.",
    "Single banks. The banks of a province are one book: none of them can fail alone, and no depositor runs.",
    "Unrest. Layoffs cost neither votes nor order, and a crowd of displaced only slows the search for work.",
    "Which policy is best for GDP. That reform has the higher GDP was put in by the signs of four coefficients and is no finding; the order of "
    "the bank tails is firmer, but rests on the levers for evergreening, resolution and recapitalisation.",
    "The future out of sample. Several priors were moved after outcomes had been seen, so this is no forecast that can be checked.",
    "The rest of the world's answer. National growth, exports and slumps are the same under every policy; the pandemic and the property slump "
    "are two numbers each.",
    "Provinces by sector. Their figures of 2015 are estimates.",
)
