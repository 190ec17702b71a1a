"""One package per part of the product. What tests of a part share stands beside them and is imported relatively."""
