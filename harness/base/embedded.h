// Files of the repository that the binary carries with it, so that it works wherever it is copied.
#pragma once

#include <string_view>

namespace crashpoint::embedded {

extern const std::string_view kScenarioSchema;  // scenarios/schema/scenario.schema.json
extern const std::string_view kReportViewer;    // reports/viewer.html

// scenarios/_templates/
extern const std::string_view kTemplateProcessKill;
extern const std::string_view kTemplateSnapshot;
extern const std::string_view kTemplateDiskFull;
extern const std::string_view kTemplateTornTail;
extern const std::string_view kTemplatePowerLoss;
extern const std::string_view kTemplateFileSave;
extern const std::string_view kTemplateCommand;

}  // namespace crashpoint::embedded
