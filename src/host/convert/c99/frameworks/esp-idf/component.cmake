idf_component_register(SRCS "src/@name@.c" INCLUDE_DIRS "src")
