"""Words of the page, and what they mean, for readers who label or pay, and train no models."""

GLOSSARY = {
    "accuracy": "The share of images about which the model is right.",
    "agreement": (
        "How far people give the same answers about the same images: Krippendorff's alpha. 1 is "
        "full agreement, 0 is what chance would give; from 0.8 on, labels usually count as "
        "reliable."
    ),
    "answer": (
        "What one person says about one image. Several people may answer about the same image; "
        "the image still has one label."
    ),
    "blind": "Asked blind, a person does not see what the model predicts.",
    "calibration": (
        "Whether confidence is right: of the predictions with 80 % confidence, 80 % should be "
        "correct. The calibration error (ECE) is how far that is missed, 0 at best."
    ),
    "certainty": (
        "A figure that is measured on some images is not exact. The true one lies in the "
        "interval beside it with 95 % certainty: the more images, the narrower."
    ),
    "confidence": "The probability that the model gives to what it predicts.",
    "cross-validation": (
        "The labelled images are split into parts; each part is predicted by a model that "
        "learned from the others. It leads while few images are set aside."
    ),
    "forecast": "The learning curve continued to more labels of the same kind.",
    "holdout": (
        "Labelled images that are set aside. No model learns from them, so they show how good "
        "it is on images that are new to it."
    ),
    "label": "What an image shows, one of a list that was chosen for this project.",
    "learning curve": (
        "How good the model becomes with a quarter, half, three quarters, and all of the labels."
    ),
    "map": (
        "Each point is an image; images that look alike to the model lie close together (t-SNE, "
        "or principal axes)."
    ),
    "model version": (
        "Each time the model learns from new labels, a new version of it is made. One is current."
    ),
    "precision": "Of the images to which the model gives a label, the share that really have it.",
    "prediction": "What the model says about an image.",
    "recall": "Of the images that really have a label, the share to which the model gives it.",
    "review": "A second look at labels that may be wrong: they are corrected or confirmed.",
    "round": "One turn: the model chooses images, people answer, and the model learns from that.",
    "strategy": "The rule by which images of a round are chosen.",
    "target": "The accuracy that is wanted (dataset.target of the stack file).",
}
