"""codecarbon over a whole audit, once: a model of the machine beside the counters, never instead of them.

Its settings are all given: a configuration file or an environment variable of codecarbon's own can otherwise
replace the country or the intensity without a word, and its online tracker asks the network where it is.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Protocol

import numpy as np

from probandum.evidence import Reading
from probandum.grid import grid_intensity
from probandum.units import JOULES_PER_KWH


class OpinionSettings(Protocol):
    """What the plan says under ``energy``."""

    @property
    def country(self) -> str | None:
        """ISO 3166 alpha-3 code."""
        ...

    @property
    def codecarbon(self) -> bool:
        """Whether it is asked at all."""
        ...


class AuditMeter:
    """Started before the first probe and stopped after the last; what it cannot say is None with the reason."""

    def __init__(self, settings: OpinionSettings) -> None:
        self._settings = settings
        self._tracker: Any = None
        self._began = 0.0
        self._note = ""
        self._intensity = 0.0
        self._why = ""

    def start(self) -> None:
        """Begin; UsageError where the plan names a country that the intensity table does not hold."""
        self._began = time.perf_counter()
        if not self._settings.codecarbon:
            self._why = "the plan says energy.codecarbon: false"
        elif self._settings.country is None:
            self._why = "the plan names no energy.country, and a guessed one would be another country's grid"
        else:
            self._start(self._settings.country)

    def _start(self, country: str) -> None:
        try:
            from codecarbon import OfflineEmissionsTracker
        except ImportError:
            self._why = "codecarbon is not installed; install it with: pip install 'probandum[energy]'"
            return
        intensity, year = grid_intensity(country)
        self._intensity = intensity
        self._note = f"codecarbon's grid intensity for {country}: {intensity:g} g CO2e/kWh ({year})"
        logging.getLogger("codecarbon").disabled = True  # its log_level comes too late for its first lines
        self._tracker = OfflineEmissionsTracker(
            country_iso_code=country,
            force_carbon_intensity_g_co2e_kwh=intensity,
            pue=1.0,
            wue=0.0,
            output_methods=[],
            log_level="error",
            tracking_mode="process",
            measure_power_secs=5,
            allow_multiple_runs=True,
            force_mode_cpu_load=False,
            rapl_include_dram=False,
            rapl_prefer_psys=False,
        )
        self._tracker.start()

    def stop(self) -> Reading:
        """What the audit took by codecarbon's account: grade D, an estimate."""
        seconds = time.perf_counter() - self._began
        data = None
        if self._tracker is not None:
            self._tracker.stop()
            data = getattr(self._tracker, "final_emissions_data", None)
        if data is not None and (other := self._of_another(data)):
            data, self._why = None, other
        if data is None:
            reason = self._why or "codecarbon measured nothing"
            return Reading(
                seconds=seconds, meter="codecarbon", grade="D", why=dict.fromkeys(("gpu", "cpu", "dram"), reason)
            )
        parts = {"gpu": data.gpu_energy, "cpu": data.cpu_energy, "dram": data.ram_energy}
        joules = {part: float(kwh) * JOULES_PER_KWH for part, kwh in parts.items() if kwh > 0}
        return Reading(
            gpu_joules=joules.get("gpu"),
            cpu_joules=joules.get("cpu"),
            dram_joules=joules.get("dram"),
            why={part: f"codecarbon gave 0 for the {part}" for part in parts if part not in joules},
            seconds=seconds,
            meter=f"codecarbon {data.codecarbon_version}",
            grade="D",
            covers=(f"this process on {data.cpu_model or 'an unknown CPU'}, estimated from load and time",),
            notes=(self._note, "Estimated from a model of the machine; expect a factor of two either way."),
        )

    def _of_another(self, data: Any) -> str:
        """Why codecarbon's figures are not those of the settings that it was given; '' where they are."""
        used = 1000 * float(data.emissions) / float(data.energy_consumed) if data.energy_consumed else self._intensity
        if not np.isclose(used, self._intensity, rtol=1e-6):
            return f"codecarbon took {used:.4g} g CO2e/kWh in place of the {self._intensity:.4g} that it was given"
        if not np.isclose(float(data.pue), 1.0):
            return f"codecarbon multiplied its energy by {float(data.pue):g}, a PUE that it was not given"
        return ""
