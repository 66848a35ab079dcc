#include "harness/scenario/load/stand_alone.h"

#include <fmt/format.h>

namespace crashpoint::scenario {
namespace {

std::string hex(const std::string& bytes) {
  std::string digits;
  for (const char byte : bytes) {
    digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  return digits;
}

}  // namespace

std::string stand_alone(const Reading& reading, const std::string& scenario) {
  Json json = reading.document.json();
  json.erase("$schema");  // relative to the original file
  json["name"] = scenario;
  json["seed"] = reading.seed;
  for (const auto& [pointer, bytes] : reading.copied) {
    json[Pointer(pointer)] = {{"hex", hex(bytes)}};
  }
  for (const auto& [pointer, path] : reading.found) {
    json[Pointer(pointer)] = path;
  }
  // A path need not be text.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace crashpoint::scenario
