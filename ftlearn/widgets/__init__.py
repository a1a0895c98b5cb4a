"""The course's widgets: views over plain functions, each shown with a static equivalent."""
