"""Device servers: stations that answer over real Modbus TCP, as their makers' register maps say."""
