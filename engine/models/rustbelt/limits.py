"""What the model cannot say, in sentences for a reader of its numbers; at length in docs/rustbelt-model.md."""

LIMITS = (
    "Bankruptcy in one number. A policy that resolves bad debt has few firms insolvent in the end and many that defaulted on the way, one that rolls it "
    "over the reverse: both are shown, and neither is the true one.",
    "Whether diversification works. What it adds to margins and growth has no direct evidence, and most of what reform spares the region rests on it.",
    "A rustbelt story of the banks. Of what they lose on state firms nearly four fifths are lent outside steel, coal and cement, and how near those "
    "firms are to default is a judgement.",
    "Who the displaced are. They are one pool a region, without age, trade or education, so nothing is said of the young, of skills or of talent.",
    "Single banks. The banks of a province are one book; their ratios spread around it where the public rescues them, and no depositor runs.",
    "Unrest. Layoffs cost neither votes nor order, and a crowd of displaced slows the search for work and new jobs.",
    "Which policy is best for GDP. That reform has the higher GDP was put in by the signs of five coefficients and is no finding.",
    "The future out of sample. Several priors were moved after outcomes had been seen, so this is no forecast that can be checked.",
    "The rest of the world's answer. National growth, exports and slumps are the same under every policy; the pandemic and the property slump "
    "are two numbers each.",
    "Provinces by sector. Their figures of 2015 are estimates.",
)
