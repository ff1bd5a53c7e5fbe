"""What strategies are called; needs no numpy."""

NAMES = {
    "auto": "typical images first, then unsure ones that differ",
    "random": "any",
    "least_confidence": "lowest probability of the prediction",
    "margin": "smallest gap between the two most probable labels",
    "entropy": "highest entropy of the prediction",
    "typiclust": "the most typical of each cluster",
    "coreset": "farthest from all that are labelled",
    "badge": "different, and unsure",
    "clustered_margin": "small margins that differ from each other",
}
