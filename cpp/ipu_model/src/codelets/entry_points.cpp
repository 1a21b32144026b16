#include "entry_points.hpp"

#include <sstream>

namespace ipu_model {
namespace {

std::string className(std::size_t i) { return "Class" + std::to_string(i); }

void writeFields(std::ostream &out, const ReflectedClass &reflected, const std::string &alias) {
  if (reflected.fields.empty()) return;
  out << "const FieldEntry fieldsOf" << alias << "[] = {\n";
  for (const ReflectedField &field : reflected.fields) {
    const std::string type = "decltype(" + alias + "::" + field.name + ")";
    out << "    {\"" << field.name << "\", " << field.line << ", " << field.offset << ", Describe<" << type
        << ">::value, typeText<" << type << ">()},\n";
  }
  out << "};\n";
}

void writeClass(std::ostream &out, const ReflectedClass &reflected, const std::string &alias) {
  const bool multi = reflected.baseKind == "MultiVertex";
  const char *kind = multi ? "MultiVertex" : reflected.baseKind == "Vertex" ? "Worker" : "Supervisor";
  out << "    {\"" << reflected.name << "\", ClassKind::" << kind << ", " << reflected.line << ", sizeof(" << alias
      << "), alignof(" << alias << "), " << (reflected.fields.empty() ? "nullptr" : "fieldsOf" + alias) << ", "
      << reflected.fields.size() << ", &construct<" << alias << ">, &" << (multi ? "runMultiVertex<" : "runWorker<")
      << alias << ">, " << (reflected.hasCycleEstimate ? "&perfEstimate<" + alias + ">" : "nullptr") << "},\n";
}

} // namespace

std::string entryPointSource(const std::vector<ReflectedClass> &classes, bool usesRandom) {
  std::ostringstream out;
  out << "\nnamespace ipu_model::device::entry {\n";
  for (std::size_t i = 0; i < classes.size(); ++i) {
    out << "using " << className(i) << " = ::" << classes[i].name << ";\n";
    writeFields(out, classes[i], className(i));
  }
  if (!classes.empty()) {
    out << "const ClassEntry classes[] = {\n";
    for (std::size_t i = 0; i < classes.size(); ++i) writeClass(out, classes[i], className(i));
    out << "};\n";
  }
  out << "}\nextern \"C\" __attribute__((visibility(\"default\"))) const ipu_model::device::LibraryEntry "
         "ipu_model_codelets;\n"
      << "extern \"C\" const ipu_model::device::LibraryEntry ipu_model_codelets = {" << entryPointVersion << ", "
      << (classes.empty() ? "nullptr" : "ipu_model::device::entry::classes") << ", " << classes.size() << ", "
      << (usesRandom ? "&ipu_model::device::seedRandom" : "nullptr") << "};\n";
  return out.str();
}

} // namespace ipu_model
