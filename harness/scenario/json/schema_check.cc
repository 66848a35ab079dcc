#include "harness/scenario/json/schema_check.h"

#include <memory>
#include <string>

#include "harness/base/embedded.h"
#include "harness/scenario/json/schema_explain.h"

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace crashpoint::scenario {
namespace {

const valijson::Schema& compiled_schema() {
  static const std::unique_ptr<const valijson::Schema> kCompiled = [] {
    auto result = std::make_unique<valijson::Schema>();
    valijson::SchemaParser().populateSchema(valijson::adapters::NlohmannJsonAdapter(schema()),
                                            *result);
    return result;
  }();
  return *kCompiled;
}

bool is_valid(const Json& json, valijson::ValidationResults* results) {
  return valijson::Validator().validate(compiled_schema(),
                                        valijson::adapters::NlohmannJsonAdapter(json), results);
}

}  // namespace

const Json& schema() {
  static const Json kParsed = Json::parse(embedded::kScenarioSchema);
  return kParsed;
}

const Json& resolve(const Json& node) {
  const Json* at = &node;
  while (at->contains("$ref")) {
    at = &schema()[Pointer(at->at("$ref").get_ref<const std::string&>().substr(1))];
  }
  return *at;
}

void check_schema(const Document& document, std::vector<Problem>& problems) {
  if (is_valid(document.json(), nullptr)) {
    return;
  }
  const std::size_t before = problems.size();
  explain(schema(), document.json(), [&](Mismatch mismatch) {
    const Position position = mismatch.at_key ? document.key_position(mismatch.pointer)
                                              : document.value_position(mismatch.pointer);
    problems.push_back(problem_at(position, std::move(mismatch.pointer), std::move(mismatch.text)));
  });
  if (problems.size() == before) {
    // A rule of the schema that explain() does not know: use the validator's message.
    valijson::ValidationResults results;
    is_valid(document.json(), &results);
    for (const valijson::ValidationResults::Error& error : results) {
      problems.push_back(problem_at(document.value_position(""), "", error.description));
    }
  }
}

}  // namespace crashpoint::scenario
