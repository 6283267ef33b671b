// VK_EXT_layer_settings for Vulkan headers older than 1.3.272, among them Debian 12's: what llama.cpp's Vulkan backend
// names of it, and no more. Included before everything else (`-include`). The values are those of the Vulkan
// specification, VK_EXT_layer_settings; newer headers define them, and then this file is empty.
#pragma once

#include <vulkan/vulkan_core.h>

#if !defined(VK_EXT_layer_settings) && defined(__cplusplus)
#define VK_EXT_layer_settings 1

#include <cstdint>
#include <vector>

namespace vk {

enum class LayerSettingTypeEXT : std::int32_t { eBool32 = 0 };

struct LayerSettingEXT {
    const char *        pLayerName;
    const char *        pSettingName;
    LayerSettingTypeEXT type;
    std::uint32_t       valueCount;
    const void *        pValues;
};

struct LayerSettingsCreateInfoEXT {
    VkStructureType         sType = static_cast<VkStructureType>(1000496000);
    const void *            pNext = nullptr;
    std::uint32_t           settingCount;
    const LayerSettingEXT * pSettings;

    explicit LayerSettingsCreateInfoEXT(const std::vector<LayerSettingEXT> & settings)
        : settingCount(static_cast<std::uint32_t>(settings.size())), pSettings(settings.data()) {}
};

}  // namespace vk

#endif
