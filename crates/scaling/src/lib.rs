//! The decision engine: how many gateways and writers the traffic of the next half minute needs.
