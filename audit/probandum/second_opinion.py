"""codecarbon over a whole audit, once: a model of the machine beside the counters, never instead of them.

Its settings are all given: a configuration file or an environment variable of codecarbon's own can otherwise
replace the country or the intensity without a word, and its online tracker asks the network where it is.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from probandum.evidence import Reading
from probandum.grid import grid_intensity
from probandum.units import JOULES_PER_KWH

#: Every option of its tracker but the grid's intensity and a folder: of one that is left out it would read its own
#: settings. Those called ``save_to_...`` are not read beside ``output_methods``, nor the older name of the token beside
#: a token. It needs no country, since it is given the intensity.
OPTIONS: Mapping[str, Any] = {
    "country_iso_code": None,
    "project_name": "probandum",
    "experiment_id": None,
    "experiment_name": None,
    "measure_power_secs": 5,
    "tracking_mode": "process",
    "allow_multiple_runs": True,
    "force_cpu_power": None,
    "force_ram_power": None,
    "force_mode_cpu_load": False,
    "rapl_include_dram": False,
    "rapl_prefer_psys": False,
    "gpu_ids": None,
    "pue": 1.0,
    "wue": 0.0,
    "region": None,
    "cloud_provider": None,
    "cloud_region": None,
    "country_2letter_iso_code": None,
    "electricitymaps_api_token": "",
    "output_methods": [],
    "output_handlers": [],
    "output_file": "emissions.csv",
    "on_csv_write": "append",
    "metadata": None,
    "log_level": "error",
    "logging_logger": None,
    "logger_preamble": "",
    "prometheus_url": "",
    "emissions_endpoint": None,
    "api_endpoint": "",
    "api_key": "",
    "api_call_interval": -1,
}


class Declared(Protocol):
    """The grid's intensity as the plan declares it, in grams of CO2e for a kWh."""

    @property
    def mid(self) -> float:
        """The average."""
        ...

    @property
    def year(self) -> int:
        """Which it is of."""
        ...

    @property
    def source(self) -> str:
        """Whose figure it is."""
        ...


class OpinionSettings(Protocol):
    """What the plan says under ``energy``."""

    @property
    def intensity(self) -> Declared | None:
        """The plan's own figure of the grid."""
        ...

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
        elif (own := self._settings.intensity) is not None:
            self._start(own.mid, f"the grid's intensity as the plan declares it: {own.mid:g}", own.year, own.source)
        elif (country := self._settings.country) is not None:
            intensity, year = grid_intensity(country)
            self._start(intensity, f"codecarbon's grid intensity for {country}: {intensity:g}", year)
        else:
            self._why = (
                "the plan names neither energy.country nor energy.intensity, and a guessed grid would be another's"
            )

    def _start(self, intensity: float, told: str, *of: object) -> None:
        try:
            from codecarbon import OfflineEmissionsTracker
        except ImportError:
            self._why = "codecarbon is not installed; install it with: pip install 'probandum[energy]'"
            return
        self._intensity = intensity
        self._note = f"{told} g CO2e/kWh ({', '.join(map(str, of))})"
        logging.getLogger("codecarbon").disabled = True  # its log_level comes too late for its first lines
        self._tracker = OfflineEmissionsTracker(
            force_carbon_intensity_g_co2e_kwh=intensity,
            output_dir=tempfile.gettempdir(),  # nothing is written there; one that is missing would stop it
            **OPTIONS,
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
            reason = self._why or "codecarbon measured nothing; a .codecarbon.config that it cannot read would stop it"
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
