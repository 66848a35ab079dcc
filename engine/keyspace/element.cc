#include "engine/keyspace/element.h"

#include <cstring>

#include "engine/base/text.h"

namespace engine::keyspace {

std::string_view Element::digits() const {
  const Digits decimal(integer_);
  const std::string_view text = decimal.view();
  std::memcpy(digits_.data(), text.data(), text.size());
  return {digits_.data(), text.size()};
}

}  // namespace engine::keyspace
