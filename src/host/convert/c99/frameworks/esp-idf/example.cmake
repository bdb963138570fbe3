# idf.py set-target esp32 && idf.py flash monitor
cmake_minimum_required(VERSION 3.16)
# The component is the folder above: `main` may use all components that are found.
get_filename_component(component ../.. ABSOLUTE BASE_DIR ${CMAKE_CURRENT_LIST_DIR})
set(EXTRA_COMPONENT_DIRS ${component})
include($ENV{IDF_PATH}/tools/cmake/project.cmake)
project(@name@)
