#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace glint::dist {

// This machine's own address on the way to `host` (a name or an address), as digits: of several networks the one that
// leads there. Nothing where the name is unknown or nothing leads there. No packet is sent but the name's look-up.
std::optional<std::string> own_address_towards(const std::string& host);

// Of this machine alone: "localhost", "127.0.1.1", "::1".
bool is_loopback(const std::string& host);

// What keeps this machine from host:port, tried once within two seconds: "Connection refused", "no answer: ...",
// "Name or service not known". Empty where it is reached.
std::string obstacle_towards(const std::string& host, std::int64_t port);

}  // namespace glint::dist
