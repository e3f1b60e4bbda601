"""Limits of the model, in sentences for a reader of its numbers; docs/rustbelt-model.md has the details."""

LIMITS = (
    "No single number measures bankruptcy. Under a policy that resolves bad debt few firms are insolvent at the end but many default before; under a "
    "policy that rolls debt over, the reverse holds. The tables show both.",
    "The effect of diversification on margins and growth has no direct evidence, and most of the benefit of reform for the region depends on it.",
    "Nearly four fifths of the banks' losses on state firms are on loans outside steel, coal and cement. The distance of those firms from default is a "
    "judgement.",
    "The displaced are one group in each region, without age, trade or education. The model makes no statement on young workers or skills.",
    "The banks of a province are one balance sheet. The model has no single banks and no bank runs.",
    "The model has no unrest. A large number of displaced slows the search for work and the creation of jobs.",
    "GDP is higher under reform because five coefficients have the signs that the study states. It is not a finding.",
    "Several priors were changed after outcomes had been seen, so the study is not a forecast that can be tested out of sample.",
    "National growth, exports and slumps are the same under every policy. The pandemic and the property slump are described by two numbers each.",
    "The figures of 2015 by province and sector are estimates.",
)
