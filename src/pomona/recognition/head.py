"""What follows the backbone, as arrays: standardiser, PCA, classifier, temperature, refusal."""

from dataclasses import dataclass
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from pomona.recognition.classifiers import Classifier, Linear, softmax
from pomona.recognition.rejection import SIGNALS, Rejection
from pomona.reduction.fitted import Reduction

__all__ = ["Head", "Inputs", "Scorer", "Scores", "no_rejection"]

FloatArray = NDArray[np.floating]
Float64Array = NDArray[np.float64]
Inputs = Literal["features", "reduced"]


@dataclass(frozen=True)
class Scores:
    """What a recogniser says of some pictures.

    Parameters
    ----------
    probabilities : float array of shape (n, n_classes)
    strangeness : float array of shape (n,)
        Larger is stranger; above the threshold of the model folder a picture is refused.
    features : float array of shape (n, n_features)
        Of the backbone.
    """

    probabilities: FloatArray
    strangeness: FloatArray
    features: FloatArray


class Scorer(Protocol):
    """What turns features into scores: a head, or one that averages views."""

    def apply(self, features: FloatArray, /) -> Scores:
        """Return one row of scores per picture."""
        ...


@dataclass(frozen=True)
class Head:
    """From features to calibrated probabilities and a strangeness.

    Parameters
    ----------
    on : {"features", "reduced"}
        What the classifier takes: the backbone's features, or the PCA's components.
    mean, scale : float arrays of shape (n_features,)
        Standardiser.
    components : float array of shape (n_components, n_features)
        PCA of the standardised features; no rows where there is none.
    deviations : float array of shape (n_components,) or None
        The classifier takes components divided by these.
    nothing : Linear or None
        One more output on the same inputs, for no fruit.
    classifier : Linear, Perceptron or Forest
    temperature : float
        Divides the classifier's logits.
    rejection : Rejection
    """

    on: Inputs
    mean: FloatArray
    scale: FloatArray
    components: FloatArray
    classifier: Classifier
    rejection: Rejection
    temperature: float = 1.0
    deviations: FloatArray | None = None
    nothing: Linear | None = None

    @classmethod
    def from_reduction(
        cls,
        reduction: Reduction,
        *,
        on: Inputs,
        classifier: Classifier,
        temperature: float,
        rejection: Rejection,
    ) -> Self:
        """Return a head on top of a fitted reduction."""
        deviations = np.sqrt(reduction.explained_variance) if reduction.whiten else None
        return cls(
            on,
            reduction.mean,
            reduction.scale,
            reduction.components,
            classifier,
            rejection,
            temperature,
            deviations,
        )

    def standardise(self, features: FloatArray) -> Float64Array:
        """Return the standardised features."""
        return np.asarray((features.astype(np.float64) - self.mean) / self.scale)

    def inputs(self, features: FloatArray) -> FloatArray:
        """Return what the classifier takes."""
        if self.on == "features":
            return features
        components = self.standardise(features) @ self.components.T
        if self.deviations is not None:
            components /= self.deviations
        return components

    def logits(self, features: FloatArray) -> FloatArray:
        """Return the classifier's numbers before the temperature, (n, n_classes)."""
        return self.classifier.logits(self.inputs(features))

    def arrays(
        self, features: FloatArray
    ) -> tuple[Float64Array, Float64Array, FloatArray, FloatArray | None]:
        """Return what a refusal goes by.

        Returns
        -------
        standardised, components, probabilities, nothing
            As for :meth:`pomona.recognition.rejection.Rejection.signals`.
        """
        standardised = self.standardise(features)
        inputs = self.inputs(features)
        logits = self.classifier.logits(inputs) / self.temperature
        nothing = None
        if self.nothing is not None:
            of_fruit = np.logaddexp.reduce(logits, axis=1)
            nothing = self.nothing.logits(inputs)[:, 0] / self.temperature - of_fruit
        return standardised, standardised @ self.components.T, softmax(logits), nothing

    def apply(self, features: FloatArray) -> Scores:
        """Return what the recogniser says of these feature vectors (n, n_features)."""
        standardised, components, probabilities, nothing = self.arrays(features)
        strangeness = self.rejection.score(standardised, components, probabilities, nothing)
        return Scores(probabilities, strangeness, features)


def no_rejection() -> Rejection:
    """Return a rejection whose score is always 0."""
    return Rejection(np.zeros(len(SIGNALS)), np.ones(len(SIGNALS)), np.zeros(len(SIGNALS)))
