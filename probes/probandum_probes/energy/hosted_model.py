"""A model of what a hosted language model takes for a token: from its size alone, never measured.

The regression is that of EcoLogits 0.10.0 (``ecologits/impacts/llm.py``), fitted to public measurements of language
models on NVIDIA H100 and A100 servers, and its assumptions about the server:

    Wh of one GPU for a token   a exp(b B) P_active + c         a = 1.1665e-6, b = -0.011206, c = 4.0529e-5
    seconds for a token         d P_active + e B + f            d = 6.7851e-4, e = 3.1193e-4, f = 0.019474
    GPUs                        the least power of two that holds 1.2 P_total bits / 8 GB, at 80 GB each
    the rest of the server      1.2 kW over 8 GPUs, by time, shared among the B requests of a batch

P is in billions of parameters, B = 64 requests at once. What the provider really runs is not known.
"""

from __future__ import annotations

import math

from probandum.units import JOULES_PER_WATT_HOUR

A, B, C = 1.1665273170451914e-06, -0.011205921025579175, 4.052928146734005e-05
D, E, F = 0.0006785088094353663, 0.0003119310311688259, 0.019473717579473387
BATCH = 64
GPU_GIGABYTES, OVERHEAD = 80.0, 1.2
SERVER_WATTS, SERVER_GPUS = 1200.0, 8
SOURCE = "the regression of EcoLogits 0.10.0 over the parameters of the model, 64 requests at once"


def gpus(total: float, bits: int = 16) -> int:
    """How many GPUs hold a model of ``total`` billion parameters: a power of two.

    >>> gpus(8.0), gpus(70.0), gpus(405.0, bits=8)  # 19.2, 168 and 486 GB
    (1, 4, 8)
    """
    needed = math.ceil(OVERHEAD * total * bits / 8 / GPU_GIGABYTES)
    return 1 << math.ceil(math.log2(needed))


def joules_per_token(active: float, total: float, *, bits: int = 16) -> float:
    """Joules of the server for one written token; parameters in billions, those in use for a token and all.

    One GPU takes 3,600 (1.1665e-6 e^-.71718 8 + 4.0529e-5) J = .1623 J; the server 150 W for .044866 s over 64:

    >>> round(joules_per_token(8.0, 8.0), 4)
    0.2675
    """
    cards = gpus(total, bits)
    gpu = (A * math.exp(B * BATCH) * active + C) * JOULES_PER_WATT_HOUR
    server = (D * active + E * BATCH + F) * SERVER_WATTS * cards / SERVER_GPUS / BATCH
    return cards * gpu + server
