// The text of PrintTensor: nested brackets, one innermost row a line.

#include "engine_data.hpp"
#include "numbers.hpp"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace ipu_model {
namespace {

using Format = poplar::PrintTensorFmt;

std::string formatNumber(double value, const Format &format, bool scientific) {
  char text[512];
  if (format.floatFormat == Format::FloatFormat::None)
    std::snprintf(text, sizeof text, "%g", value);
  else
    std::snprintf(text, sizeof text, scientific ? "%.*e" : "%.*f",
                  static_cast<int>(std::clamp(format.digits, 1u, 50u)) - 1, value);
  return text;
}

/// Whether the automatic format must use exponents to show all of the numbers.
bool needsExponent(const std::vector<double> &values) {
  double largest = 0, smallest = std::numeric_limits<double>::infinity();
  for (double value : values)
    if (std::isfinite(value) && value != 0) {
      largest = std::max(largest, std::fabs(value));
      smallest = std::min(smallest, std::fabs(value));
    }
  return largest >= 1e8 || (largest > 0 && smallest < 1e-4) || largest / smallest > 1e8;
}

class Printer {
public:
  Printer(std::ostream &out, const std::vector<std::size_t> &shape, const Format &format,
          const std::vector<std::string> &items)
      : out_(out), shape_(shape), format_(format), items_(items), summarise_(items.size() > format.summariseThreshold) {
  }

  void print(std::size_t dimension, std::size_t first, std::size_t indent) const {
    if (dimension == shape_.size()) {
      out_ << items_[first];
      return;
    }
    std::size_t step = 1;
    for (std::size_t d = dimension + 1; d < shape_.size(); ++d) step *= shape_[d];
    const bool inner = dimension + 1 == shape_.size();
    const std::string margin(indent + 2, ' ');
    out_ << format_.openBracket;
    if (!inner) out_ << '\n';
    const std::size_t n = shape_[dimension], edge = format_.edgeItems;
    std::size_t column = indent;
    for (std::size_t i = 0; i != n; ++i) {
      const bool gap = summarise_ && n > 2 * edge && i == edge;
      if (inner) {
        const std::string item = gap ? "..." : items_[first + i];
        if (i != 0 && column + item.size() + 1 > format_.maxLineWidth) {
          out_ << '\n' << std::string(indent + 1, ' ');
          column = indent;
        } else if (i != 0) {
          out_ << format_.separator;
        }
        column += item.size() + 1;
        out_ << item;
      } else {
        out_ << margin;
        if (gap)
          out_ << "...";
        else
          print(dimension + 1, first + i * step, indent + 2);
        out_ << '\n';
      }
      if (gap) i = n - edge - 1;
    }
    if (!inner) out_ << std::string(indent, ' ');
    out_ << format_.closeBracket;
  }

private:
  std::ostream &out_;
  const std::vector<std::size_t> &shape_;
  const Format &format_;
  const std::vector<std::string> &items_;
  bool summarise_;
};

} // namespace

void printTensor(std::ostream &out, const std::string &title, const poplar::Tensor &tensor,
                 const std::vector<std::byte> &data, const Format &format) {
  const poplar::Type type = tensor.elementType();
  const std::size_t count = tensor.numElements();
  std::vector<std::string> items(count);
  if (type.isFloatingPoint()) {
    std::vector<double> values(count);
    for (std::size_t i = 0; i != count; ++i) values[i] = readNumber(type, data.data(), i);
    const bool scientific = format.floatFormat == Format::FloatFormat::Scientific ||
                            (format.floatFormat == Format::FloatFormat::Auto && needsExponent(values));
    for (std::size_t i = 0; i != count; ++i) items[i] = formatNumber(values[i], format, scientific);
  } else {
    for (std::size_t i = 0; i != count; ++i)
      items[i] = type == poplar::UNSIGNED_LONGLONG
                     ? std::to_string(static_cast<std::uint64_t>(readInteger(type, data.data(), i)))
                     : std::to_string(readInteger(type, data.data(), i));
  }
  if (!title.empty()) out << title << ": ";
  const std::vector<std::size_t> shape = tensor.shape();
  Printer(out, shape, format, items).print(0, 0, 0);
  out << '\n';
  out.flush();
}

} // namespace ipu_model
