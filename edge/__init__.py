"""The station box: devices, sampling, outbox, uplink, control and guard."""
