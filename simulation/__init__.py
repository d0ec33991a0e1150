"""The simulated ad server: landing files of any day, and the true click probabilities behind them."""

from simulation.landing import SimulationSummary, write_days
from simulation.scenarios import SCENARIOS, Scenario
from simulation.settings import WorldSettings
from simulation.world import World

__all__ = ["SCENARIOS", "Scenario", "SimulationSummary", "World", "WorldSettings", "write_days"]
